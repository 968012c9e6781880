// Short messages that go by themselves; the log keeps what has happened.

const SHOWN_MS = 3500;
const MOST = 3;

export function toast(text, tone = "") {
  const box = document.getElementById("toasts");
  const line = document.createElement("p");
  line.textContent = text;
  line.dataset.tone = tone;
  box.append(line);
  while (box.children.length > MOST) box.firstChild.remove();
  setTimeout(() => line.remove(), SHOWN_MS);
}
