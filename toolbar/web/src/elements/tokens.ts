import { css } from 'lit'

// The design's values. They are set on the root of the document without any specificity, so that a host's own rule for
// :root, or for one of our elements, wins. A colour is light-dark(LIGHT, DARK) and follows the color-scheme in force.
const tokens = css`
  :where(:root) {
    --sp-canvas: light-dark(#f7f8fa, #111318);
    --sp-surface: light-dark(#ffffff, #181b21);
    --sp-raised: light-dark(#ffffff, #1f2229);
    --sp-sunken: light-dark(#f2f3f6, #14171c);
    --sp-field: light-dark(#ffffff, #15181d);
    --sp-hover: light-dark(#f0f1f5, #252932);
    --sp-press: light-dark(#e6e8ee, #2e333d);
    --sp-scrim: light-dark(rgb(23 26 33 / .42), rgb(4 5 8 / .62));
    --sp-glass: light-dark(rgb(255 255 255 / .95), rgb(28 31 38 / .94));
    --sp-tip: light-dark(#1f232b, #eceef2);
    --sp-tip-text: light-dark(#ffffff, #171a20);
    --sp-line: light-dark(#e5e7ec, #282c35);
    --sp-line-strong: light-dark(#d3d7df, #363b47);
    --sp-control: light-dark(#7f8696, #6d7484);
    --sp-text: light-dark(#181b22, #e9ebef);
    --sp-text-2: light-dark(#4b5260, #b3b9c5);
    --sp-text-3: light-dark(#5f6675, #959cab);
    --sp-text-off: light-dark(#7f8696, #6d7484);
    --sp-accent: light-dark(#4a48c8, #6461e6);
    --sp-accent-hover: light-dark(#3e3cb2, #5754d8);
    --sp-on-accent: #ffffff;
    --sp-accent-text: light-dark(#4340bd, #aeaeff);
    --sp-accent-soft: light-dark(#eeeefc, #25264a);
    --sp-accent-line: light-dark(#7f7de0, #6f6ddb);
    --sp-focus: light-dark(#4a48c8, #9694ff);
    --sp-ok: light-dark(#187343, #58c08c);
    --sp-ok-soft: light-dark(#e6f4ec, #15301f);
    --sp-ok-fill: light-dark(#1d8a51, #3ea873);
    --sp-warn: light-dark(#865300, #e6b04a);
    --sp-warn-soft: light-dark(#fdf2dc, #352a12);
    --sp-warn-fill: light-dark(#b87400, #d99a2b);
    --sp-danger: light-dark(#b3222d, #ff8b8b);
    --sp-danger-soft: light-dark(#fcebec, #3c1b1e);
    --sp-danger-fill: light-dark(#c92f3a, #cf3d47);
    --sp-on-danger: #ffffff;
    --sp-info: light-dark(#1f5f99, #7fb8ec);
    --sp-info-soft: light-dark(#e6f0fa, #162a3c);
    --sp-rec: light-dark(#d22f3b, #ff5c63);
    --sp-who-1: light-dark(#e3e3fb, #33346b);
    --sp-who-1-text: light-dark(#3634a0, #d4d4ff);
    --sp-who-2: light-dark(#d9f0ea, #17433a);
    --sp-who-2-text: light-dark(#0f5c4c, #a9e6d6);
    --sp-who-3: light-dark(#fbe6d4, #4b2f17);
    --sp-who-3-text: light-dark(#83430c, #f6cda6);
    --sp-who-4: light-dark(#f6dfec, #4b2139);
    --sp-who-4-text: light-dark(#86245c, #f4bcd9);
    --sp-stage: #0b0d11;
    --sp-handle: #ffffff;
    --sp-handle-edge: rgb(0 0 0 / .45);
    --sp-term-bg: #0f1217;
    --sp-font: -apple-system, BlinkMacSystemFont, "Segoe UI Variable Text", "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif;
    --sp-mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace;
    --sp-fs-xs: 11px;
    --sp-fs-s: 12px;
    --sp-fs-m: 13px;
    --sp-fs-l: 14px;
    --sp-fs-xl: 16px;
    --sp-lh: 20px;
    --sp-lh-tight: 16px;
    --sp-w-normal: 400;
    --sp-w-medium: 500;
    --sp-w-bold: 600;
    --sp-1: 4px;
    --sp-2: 8px;
    --sp-3: 12px;
    --sp-4: 16px;
    --sp-5: 20px;
    --sp-6: 24px;
    --sp-8: 32px;
    --sp-10: 40px;
    --sp-h-s: 28px;
    --sp-h-m: 32px;
    --sp-h-tool: 36px;
    --sp-h-touch: 44px;
    --sp-h-bar: 48px;
    --sp-panel: 360px;
    --sp-dialog: 640px;
    --sp-card: 400px;
    --sp-r-s: 4px;
    --sp-r: 6px;
    --sp-r-l: 10px;
    --sp-r-full: 999px;
    --sp-e1: 0 1px 2px light-dark(rgb(20 24 33 / .06), rgb(0 0 0 / .35));
    --sp-e2: 0 6px 20px light-dark(rgb(20 24 33 / .12), rgb(0 0 0 / .5)), 0 1px 3px light-dark(rgb(20 24 33 / .10), rgb(0 0 0 / .4));
    --sp-e3: 0 20px 56px light-dark(rgb(20 24 33 / .22), rgb(0 0 0 / .62)), 0 2px 8px light-dark(rgb(20 24 33 / .10), rgb(0 0 0 / .4));
    --sp-blur: blur(18px) saturate(1.3);
    --sp-t-fast: 120ms;
    --sp-t: 160ms;
    --sp-t-slow: 180ms;
    --sp-ease: cubic-bezier(.2, .7, .2, 1);
    --sp-z-toast: 40;
    --sp-z-bar: 50;
    --sp-z-panel: 60;
    --sp-z-dialog: 70;
    --sp-z-tip: 80;
  }
  @media (prefers-reduced-motion: reduce) {
    :where(:root) {
      --sp-t-fast: 0ms;
      --sp-t: 0ms;
      --sp-t-slow: 0ms;
    }
  }
  @media (prefers-contrast: more) {
    :where(:root) {
      --sp-line: light-dark(#7f8696, #6d7484);
      --sp-line-strong: light-dark(#5f6675, #959cab);
      --sp-text-2: light-dark(#262a33, #e7e9ee);
      --sp-text-3: light-dark(#363b47, #dcdfe6);
      --sp-glass: light-dark(#ffffff, #1c1f26);
    }
  }
`

/** Puts the design's values into the document, once. */
export function installTokens(): void {
  const sheet = tokens.styleSheet
  if (sheet && !document.adoptedStyleSheets.includes(sheet)) {
    document.adoptedStyleSheets = [sheet, ...document.adoptedStyleSheets]
  }
}
