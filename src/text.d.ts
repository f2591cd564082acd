/** The build puts the text of a shell script where it is imported. */
declare module '*.sh' {
  const text: string
  export = text
}

/** The same for a script that pages of netlab run. */
declare module '*.browser.js' {
  const text: string
  export = text
}
