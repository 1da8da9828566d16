// A browser that is started in the POSIX locale calls its language `en-US@posix`, which no `Intl` takes, and uPlot asks for it as it loads:
// so this comes first.

try {
  new Intl.NumberFormat(navigator.language)
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en', configurable: true })
}
