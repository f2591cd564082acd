const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** The text with the characters that mean something in XML and HTML as entities. */
export const withEntities = (text: string): string => text.replace(/[&<>"]/g, (c) => ENTITIES[c] ?? c)
