// Every page works without this file; it only makes some of them quicker to use. The words are in the pages.
const find = (selector, root = document) => root.querySelector(selector);
const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];

find("[data-focus]")?.focus();

const menu = find("[data-menu]");
if (menu) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    find("summary", menu).focus();
  });
}

// A double click sends once. The server would answer the same twice; this spares the second wait.
for (const form of findAll("[data-once]")) {
  let isSent = false;
  form.addEventListener("submit", (event) => {
    if (isSent) event.preventDefault();
    isSent = true;
  });
  addEventListener("pageshow", () => { isSent = false; });
}

const dui = find("[data-dui]");
if (dui) {
  const warning = document.getElementById(`${dui.id}-warning`);
  const digits = () => dui.value.replace(/\D/g, "");
  const isWrong = (number) => {
    const sum = [...number.slice(0, 8)].reduce((total, digit, place) => total + digit * (9 - place), 0);
    return Number(number[8]) !== (10 - (sum % 10)) % 10;
  };
  const check = () => {
    const number = digits().padStart(9, "0");
    warning.textContent = digits().length > 7 && number.length === 9 && isWrong(number) ? warning.dataset.text : "";
  };
  dui.addEventListener("input", (event) => {
    const isAtEnd = dui.selectionStart === dui.value.length;
    if (isAtEnd && !event.inputType?.startsWith("delete") && digits().length > 8) {
      dui.value = `${digits().slice(0, 8)}-${digits().slice(8)}`;
    }
    if (warning.textContent || digits().length > 8) check();
  });
  dui.addEventListener("change", check);
}

const students = find("[data-students]");
if (students) {
  const all = find("[data-all]", students);
  const boxes = findAll("[name=student]", students);
  const count = find("[data-count]", students);
  const show = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    const { none, one, many } = count.dataset;
    count.textContent = ticked === 0 ? none : ticked === 1 ? one : many.replace("#", ticked);
    all.checked = ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  };
  all.hidden = false;
  find("[data-without-script]", students).hidden = true;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    show();
  });
  students.addEventListener("change", (event) => event.target !== all && show());
  addEventListener("pageshow", show);
  show();
}

const progress = find("[data-poll]");
if (progress) {
  const quickest = 1500, slowest = 15000;
  let delay = quickest, last = "";
  const show = ({ state, done }) => {
    find("progress", progress).value = done;
    find("[data-done]", progress).textContent = done;
    for (const phase of findAll("[data-phase]", progress)) phase.hidden = phase.dataset.phase !== state;
  };
  const poll = async () => {
    try {
      const answer = await fetch(progress.dataset.poll, { cache: "no-store", signal: AbortSignal.timeout?.(10000) });
      // A session that ended has a page of its own.
      if (answer.redirected || [401, 403, 404].includes(answer.status)) return location.reload();
      if (!answer.ok) throw new Error(answer.status);
      const status = await answer.json();
      if (status.finished) return location.reload();
      show(status);
      delay = last === `${status.state} ${status.done}` ? Math.min(delay * 1.3, slowest) : quickest;
      last = `${status.state} ${status.done}`;
    } catch {
      delay = Math.min(delay * 2, slowest);
    }
    setTimeout(poll, delay);
  };
  setTimeout(poll, quickest);
}
