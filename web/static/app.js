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
  const body = find("tbody", students);
  const all = find("[data-all]", students);
  const search = find("[data-search]", students);
  const order = find("[data-order]", students);
  // What people type who leave out capitals, accents and the tilde of ñ.
  const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const textOf = (row, selector) => find(selector, row).textContent.trim();
  const rows = findAll("tr", body).map((row) => {
    const [name, nie, address] = ["label", "[data-nie]", ".address"].map((selector) => textOf(row, selector));
    const [surnames, givenNames = ""] = name.split(/, (.*)/s);
    return {
      row,
      box: find("[name=student]", row),
      text: folded(`${name} ${nie} ${address}`),
      surnames: name,
      given_names: `${givenNames} ${surnames}`,
      nie: /\d/.test(nie) ? nie.padStart(10, "0") : "z",
      last_sign_in: row.dataset.last,
    };
  });
  const shown = () => rows.filter(({ row }) => !row.hidden);
  const say = (selector, number, isSaid = true) => {
    const line = find(selector, students), { none = "", one, many } = line.dataset;
    line.textContent = !isSaid ? "" : number === 0 ? none : number === 1 ? one : many.replace("#", number);
  };
  const show = () => {
    // A page that was made without a script carries the ticks that its search hides as hidden fields.
    const ticked = rows.filter(({ box }) => box.checked), apart = findAll("[type=hidden][name=student]", students);
    const inView = shown(), tickedInView = inView.filter(({ box }) => box.checked).length;
    say("[data-count]", ticked.length + apart.length);
    say("[data-apart]", ticked.length - tickedInView + apart.length);
    all.checked = tickedInView > 0 && tickedInView === inView.length;
    all.indeterminate = tickedInView > 0 && tickedInView < inView.length;
  };
  // Ticks are kept on the server: they outlast another section, a closed page and an expired session.
  const patience = 1000;
  let waiting = 0;
  const fields = () => {
    const form = new URLSearchParams(new FormData(students));
    form.set("then", "nothing");
    return form;
  };
  const keep = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      waiting = 0;
      fetch(students.dataset.students, { method: "POST", body: fields(), keepalive: true }).catch(() => {});
    }, patience);
  };
  addEventListener("pagehide", () => {
    if (!waiting) return;
    clearTimeout(waiting);
    navigator.sendBeacon(students.dataset.students, fields());
  });
  students.addEventListener("submit", () => { clearTimeout(waiting); waiting = 0; });
  const tick = (group) => {
    for (const { row, box } of shown()) box.checked = row.dataset.groups.split(" ").includes(group);
    show();
    keep();
  };
  const filter = () => {
    const words = folded(search.value).split(/\s+/);
    for (const { row, text } of rows) row.hidden = !words.every((word) => text.includes(word));
    say("[data-found]", shown().length, search.value.trim() !== "");
    show();
  };
  const sort = () => {
    const { compare } = new Intl.Collator("es");
    body.append(...rows.sort((a, b) => compare(a[order.value], b[order.value])).map(({ row }) => row));
  };
  all.hidden = false;
  find("[data-arrange]", students).hidden = true;
  search.addEventListener("input", filter);
  order.addEventListener("change", sort);
  all.addEventListener("change", () => tick(all.checked ? "all" : "none"));
  body.addEventListener("change", () => { show(); keep(); });
  for (const button of findAll("[data-group]", students)) {
    button.addEventListener("click", (event) => {
      event.preventDefault();
      tick(button.dataset.group);
    });
  }
  // The Enter key in the search presses the hidden button; everything is found already.
  search.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  let last = null;
  body.addEventListener("click", (event) => {
    const here = shown(), place = here.findIndex(({ box }) => box === event.target);
    if (place < 0) return;
    const from = here.findIndex(({ box }) => box === last);
    if (event.shiftKey && from >= 0) {
      for (const { box } of here.slice(Math.min(from, place), Math.max(from, place) + 1)) box.checked = event.target.checked;
      show();
      keep();
    }
    last = event.target;
  });
  // A click with Shift is for a range here, not for marking text.
  body.addEventListener("mousedown", (event) => event.shiftKey && event.preventDefault());
  addEventListener("pageshow", () => {
    // Going back, the browser brings the fields as they were, and the rows as the server sent them.
    if (!order.selectedOptions[0].defaultSelected && order.selectedIndex > 0) sort();
    filter();
  });
}

const progress = find("[data-poll]");
if (progress) {
  const quickest = 1500, slowest = 15000;
  let delay = quickest, last = "";
  const rows = findAll("[data-outcome]");
  const show = ({ state, done, outcomes }) => {
    outcomes.forEach((outcome, place) => {
      const { dataset } = rows[place];
      if (dataset.outcome === outcome) return;
      dataset.outcome = outcome;
      rows[place].replaceChildren(document.getElementById(outcome).content.cloneNode(true));
    });
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
