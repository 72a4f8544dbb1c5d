/** Saves a text as a file, by the browser's own way to save a link. */
export function download(name: string, text: string, type = 'text/csv'): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name.replace(/[^\w.-]+/g, '_').slice(-100);
  link.click();
  // The browser has taken the file over by the next turn of its loop.
  window.setTimeout(() => URL.revokeObjectURL(url), 0);
}
