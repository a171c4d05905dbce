// A file that is too large for a widget's message is lost without a word: the button counts it, and no bytes come.
// This watches every upload button of the panel, and shows the note below it when the kernel has not confirmed a file
// three seconds after the button counted it. It runs in the page, because the kernel hears nothing of a lost file.
(() => {
  const PATIENCE = 3000;
  const receipts = (box) => Number(box.querySelector("[data-received]")?.dataset.received ?? 0);
  const watch = (box) => {
    if (box.dataset.watched) return;
    box.dataset.watched = "yes";
    const button = box.querySelector(".widget-upload");
    let clicked = false;
    button.addEventListener("click", () => { clicked = true; });
    const late = (shown) => {
      const note = box.querySelector(".lsc-late");
      if (note) note.hidden = !shown;
    };
    new MutationObserver(() => {
      if (!clicked || !/\(\s*[1-9]\d*\s*\)/.test(button.textContent)) return;
      clicked = false;
      const before = receipts(box);
      const timer = setInterval(() => {
        if (receipts(box) === before) return;
        clearInterval(timer);
        clearTimeout(alarm);
        late(false);
      }, 200);
      const alarm = setTimeout(() => late(true), PATIENCE);
    }).observe(button, { childList: true, characterData: true, subtree: true });
  };
  const find = () => document.querySelectorAll(".lsc-file").forEach((box) => {
    if (box.querySelector(".widget-upload")) watch(box);
  });
  find();
  new MutationObserver(find).observe(document.body, { childList: true, subtree: true });
})();
