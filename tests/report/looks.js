// What a person would trip over, told as a list of words: contrast, names, headings. Run inside a page.
() => {
  const troubles = [];
  const rgba = (text) => {
    const found = text.match(/[\d.]+/g).map(Number);
    return found.length === 3 ? [...found, 1] : found;
  };
  const over = (top, below) => below.map((value, n) => n < 3 ? top[3] * top[n] + (1 - top[3]) * value : 1);
  const ground = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) layers.unshift(rgba(getComputedStyle(one).backgroundColor));
    return layers.reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [high, low] = [light(a), light(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  const own = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  let seen = 0;
  for (const element of document.querySelectorAll("body *")) {
    const style = getComputedStyle(element);
    if (["SCRIPT", "STYLE", "TITLE", "title"].includes(element.tagName) || !element.checkVisibility()) continue;
    if (element.closest("svg")) {
      const back = ground(element.closest("svg"));
      const drawn = element.tagName === "text" ? [style.fill, 4.5] : element.matches(".fill") ? [style.fill, 3]
        : element.matches(".line") ? [style.stroke, 3] : null;
      if (drawn && contrast(rgba(drawn[0]), back) < drawn[1]) {
        troubles.push(`${element.tagName}.${element.getAttribute("class")}: ${drawn[0]} on ${back}`);
      }
      if (drawn) seen += 1;
    } else if (own(element)) {
      seen += 1;
      const back = ground(element);
      const ratio = contrast(over(rgba(style.color), back), back);
      if (ratio < 4.5) troubles.push(`contrast ${ratio.toFixed(2)}: ${element.tagName} ${element.textContent.trim().slice(0, 40)}`);
    }
  }
  const name = (element) => (element.getAttribute("aria-label") || element.textContent || "").trim();
  const labelled = (element) => name(element) || (element.labels && element.labels.length) || element.title;
  for (const image of document.images) if (!image.alt) troubles.push(`no alt: ${image.src}`);
  for (const one of document.querySelectorAll("audio, a, button, summary, svg[role=img], nav, [role=region]")) {
    if (!name(one)) troubles.push(`no name: ${one.outerHTML.slice(0, 80)}`);
  }
  for (const one of document.querySelectorAll("input, select, textarea")) {
    if (!labelled(one)) troubles.push(`no label: ${one.outerHTML.slice(0, 80)}`);
  }
  for (const table of document.querySelectorAll("table")) {
    if (!table.caption) troubles.push("a table without a caption");
    for (const head of table.querySelectorAll("th")) if (!head.scope) troubles.push(`no scope: ${name(head)}`);
  }
  if (document.querySelectorAll("h1").length !== 1) troubles.push("not one h1");
  if (!document.documentElement.lang || !document.title) troubles.push("no language or no title");
  let depth = 0;
  for (const head of document.querySelectorAll("h1, h2, h3, h4")) {
    const level = Number(head.tagName[1]);
    if (level > depth + 1) troubles.push(`${head.tagName} after h${depth}: ${name(head)}`);
    depth = level;
  }
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  ids.filter((id, n) => ids.indexOf(id) !== n).forEach((id) => troubles.push(`twice the id ${id}`));
  const width = document.documentElement.scrollWidth;
  if (width > window.innerWidth) troubles.push(`${width} wide in a window of ${window.innerWidth}`);
  return { troubles, seen };
}
