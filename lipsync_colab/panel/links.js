// Jupyter serves what lies beside a notebook below files/. Where that is, only the page knows (Notebook 7, classic
// Notebook and JupyterLab differ); on any other page the link stays hidden, and the printed path has to do.
(() => {
  const PLACE = /^(.*?\/)(?:lab(?:\/workspaces\/[^/]+)?\/tree|doc\/tree|notebooks|tree)\/(.*\/)?[^/]*\.ipynb$/;
  const aim = () => document.querySelectorAll("a.lsc-link[data-file]").forEach((link) => {
    const place = location.pathname.match(PLACE);
    if (!place || !link.hidden) return;
    link.href = `${place[1]}files/${place[2] ?? ""}${link.dataset.file}`;
    link.hidden = false;
  });
  aim();
  new MutationObserver(aim).observe(document.body, { childList: true, subtree: true });
})();
