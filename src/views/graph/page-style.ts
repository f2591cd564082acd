import { DARK, LIGHT } from './svg.ts'

/** How the page around the picture looks; `data-theme` overrules what the reader's system prefers. */
export const PAGE_STYLE = `
:root{color-scheme:light;${LIGHT}}
@media(prefers-color-scheme:dark){:root:not([data-theme=light]){color-scheme:dark;${DARK}}}
:root[data-theme=dark]{color-scheme:dark;${DARK}}
*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0;height:100vh;height:100dvh;display:flex;flex-direction:column;background:var(--paper);color:var(--ink);font:14px/1.45 system-ui,"DejaVu Sans",sans-serif}
header{display:flex;flex-wrap:wrap;align-items:center;gap:8px 16px;padding:8px 14px;border-bottom:1px solid var(--line)}
h1{font-size:17px;margin:0}
nav{display:flex;flex-wrap:wrap;align-items:center;gap:6px}
#status{margin:0;min-height:1.45em;color:var(--soft)}
button,input{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:6px;padding:4px 10px}
button{cursor:pointer}
button:hover{border-color:var(--ink)}
:focus-visible{outline:3px solid var(--router);outline-offset:2px}
main{flex:1;min-height:0;display:flex}
#picture{flex:1;min-width:0;height:100%;display:block;touch-action:none;cursor:grab;user-select:none}
#picture.moving{cursor:grabbing}
#tables{flex:1;overflow:auto;padding:14px}
[data-node]{cursor:pointer}
[data-node]:focus{outline:none}
[data-node]:focus .b{stroke-width:4}
[data-node].open .b{stroke-width:4}
.dim{opacity:.18}
aside{width:min(440px,45vw);overflow:auto;padding:12px 16px;border-left:1px solid var(--line)}
aside h2{font-size:17px;margin:0}
aside h3{font-size:13px;margin:16px 0 4px;color:var(--soft)}
aside p{margin:2px 0;color:var(--soft)}
aside .close{float:right}
table{border-collapse:collapse;width:100%;margin:0 0 20px}
caption{text-align:left;font-weight:600;padding:6px 0}
th,td{text-align:left;vertical-align:top;padding:3px 10px 3px 0;border-bottom:1px solid color-mix(in srgb,var(--line) 40%,transparent);font-weight:400;overflow-wrap:break-word}
td:last-child{overflow-wrap:anywhere}
thead th{color:var(--soft)}
aside td,aside th,#tables td{font:12px/1.5 ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace}
footer{padding:5px 14px;border-top:1px solid var(--line);color:var(--soft);font-size:12px}
kbd{font:11px ui-monospace,monospace;border:1px solid var(--line);border-radius:4px;padding:0 4px}
@media(max-width:700px){main{flex-direction:column}aside{width:auto;max-height:45vh;border-left:0;border-top:1px solid var(--line)}footer{display:none}}
`
