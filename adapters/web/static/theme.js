// Light or dark as chosen here before. A classic script in the head: the page never shows the other one first.

try {
  const theme = localStorage.getItem("theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // storage is switched off: as the system says
}
