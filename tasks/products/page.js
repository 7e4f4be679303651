// What the page can do beyond being read: choose a day, compare two pictures, sort tables. All words and
// all drawings come from the page itself; without this script everything but the choice is there.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";
  const make = (name, className, text) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 16);
  const isoDay = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);
  const shows = { t: "●", f: "○", x: "–" };

  // --- a day: its table, its map, its picture ---------------------------------------------------------------

  function days() {
    const source = byId("looks-data");
    if (!source) return;
    const data = JSON.parse(source.textContent);
    if (!data.days.length) return;
    const [choice, range] = [byId("day-choice"), byId("day-range")];
    const rows = new Map([...document.querySelectorAll("[data-row]")].map((row) => [row.dataset.row, row]));
    const drawn = new Map([...document.querySelectorAll("#map-day [data-zone]")].map((z) => [z.dataset.zone, z]));
    const dayOf = new Map();
    data.days.forEach(([, looks], k) => looks.forEach((look) => dayOf.set(look, k)));
    let shown = Number(choice.dataset.shown);

    const cellOf = (look, zone) => {
      const number = data.looks[look][3][zone];
      return number < 0 ? null : data.words[number];
    };
    const stateOf = (day, zone) => {
      const states = data.days[day][1].map((look) => cellOf(look, zone)).filter(Boolean).map(([state]) => state);
      return states.includes("t") ? "t" : states.includes("f") ? "f" : "x";
    };
    // The nearest day that told of a zone; what lies between is not known.
    const nearest = (day, zone) => {
      for (let step = 1; step < data.days.length; step += 1) {
        for (const other of [day - step, day + step]) {
          if (!data.days[other]) continue;
          for (const look of data.days[other][1]) {
            const cell = cellOf(look, zone);
            if (cell && cell[0] !== "x") return `nearest look that told: ${data.days[other][0]}, ${cell[1]}`;
          }
        }
      }
      return "no look told";
    };
    const line = (state, words, note) => {
      const cell = make("div", `cell is-${state}`);
      const mark = make("span", "", shows[state]);
      mark.setAttribute("aria-hidden", "true");
      const said = make("span", "", words);
      if (note) said.append(" ", make("span", "look-of", note));
      cell.append(mark, said);
      return cell;
    };

    function picture(looks) {
      const scenes = looks.map((look) => data.looks[look][2]);
      const middle = data.looks[looks[0]][0];
      const exact = data.chips.find((chip) => scenes.includes(chip[0]));
      const near = [...data.chips].sort((a, b) => Math.abs(a[1] - middle) - Math.abs(b[1] - middle))[0];
      const chip = exact || near;
      const room = byId("day-picture");
      if (!chip || !room) return;
      const figure = byId(chip[2]).cloneNode(true);
      figure.removeAttribute("id");
      if (!exact) figure.querySelector("figcaption").prepend(make("strong", "", "No picture of this day; the nearest one. "));
      room.replaceChildren(figure);
    }

    function show(day, { announce = true } = {}) {
      shown = Math.max(0, Math.min(data.days.length - 1, day));
      const [name, looks, says] = data.days[shown];
      choice.value = String(shown);
      range.value = String(shown);
      range.setAttribute("aria-valuetext", name);
      byId("day-name").textContent = name;
      byId("day-said").replaceChildren(...says.map((text) => make("li", "", text)));
      byId("day-looks").textContent = looks
        .map((look) => `${clock(data.looks[look][0])} UTC, ${data.sources[data.looks[look][1]]}`)
        .join("; ");
      data.zones.forEach((id, zone) => {
        const [row, shape, state] = [rows.get(id), drawn.get(id), stateOf(shown, zone)];
        if (shape) {
          shape.classList.remove("is-t", "is-f", "is-x");
          shape.classList.add(`is-${state}`);
        }
        if (!row) return;
        const told = looks.map((look) => [look, cellOf(look, zone)]).filter(([, cell]) => cell);
        const lines = told.map(([look, [kind, words]]) => line(kind, words, looks.length > 1 ? clock(data.looks[look][0]) : ""));
        if (!told.length) lines.push(line("x", "no look"));
        if (state === "x") lines.push(line("x", nearest(shown, zone)));
        row.querySelector("td").replaceChildren(...lines);
      });
      const hulls = document.querySelector("#map-day .hull");
      if (hulls) hulls.setAttribute("d", looks.map((look) => data.looks[look][4]).join(""));
      picture(looks);
      cursors(data.looks[looks[0]][0]);
      if (announce) history.replaceState(null, "", `#day=${isoDay(data.looks[looks[0]][0])}`);
    }

    function cursors(seconds) {
      for (const chart of document.querySelectorAll("svg[data-t0]")) {
        const { t0, t1, left, right, foot } = chart.dataset;
        const x = Number(left) + ((seconds - t0) / (t1 - t0)) * (right - left);
        let mark = chart.querySelector(".cursor");
        if (!mark) {
          mark = document.createElementNS(SVG, "line");
          mark.setAttribute("class", "cursor");
          mark.setAttribute("y1", "0");
          mark.setAttribute("y2", foot);
          chart.append(mark);
        }
        mark.setAttribute("x1", x.toFixed(1));
        mark.setAttribute("x2", x.toFixed(1));
      }
    }

    function goToDay() {
      byId("day").scrollIntoView({ behavior: calm ? "auto" : "smooth" });
      byId("day").focus({ preventScroll: true });
    }

    // The look nearest to a place on a chart.
    function at(chart, clientX) {
      const { t0, t1, left, right } = chart.dataset;
      const box = chart.getBoundingClientRect();
      const x = ((clientX - box.left) / box.width) * chart.viewBox.baseVal.width;
      const seconds = Number(t0) + ((x - left) / (right - left)) * (t1 - t0);
      let best = 0;
      data.looks.forEach((look, k) => {
        if (Math.abs(look[0] - seconds) < Math.abs(data.looks[best][0] - seconds)) best = k;
      });
      return dayOf.get(best);
    }

    data.days.forEach(([name, looks], k) => {
      const option = make("option", "", looks.length > 1 ? `${name} (${looks.length} looks)` : name);
      option.value = String(k);
      choice.append(option);
    });
    range.max = String(data.days.length - 1);
    choice.addEventListener("change", () => show(Number(choice.value)));
    range.addEventListener("input", () => show(Number(range.value)));
    byId("day-before").addEventListener("click", () => show(shown - 1));
    byId("day-after").addEventListener("click", () => show(shown + 1));
    range.addEventListener("keydown", (event) => {
      if (event.key === "Enter") goToDay();
    });
    for (const chart of document.querySelectorAll("svg[data-t0]")) {
      chart.addEventListener("click", (event) => {
        show(at(chart, event.clientX));
        goToDay();
      });
    }
    for (const controls of document.querySelectorAll("[data-script=day]")) controls.hidden = false;
    const asked = /^#day=(\d{4}-\d\d-\d\d)$/.exec(location.hash);
    const found = asked ? data.days.findIndex(([, looks]) => isoDay(data.looks[looks[0]][0]) >= asked[1]) : -1;
    show(found < 0 ? shown : found, { announce: false });
    if (asked) goToDay();
  }

  // --- two pictures: a slider over both, or side by side ----------------------------------------------------

  function compare() {
    const panel = byId("compare");
    const pictures = [...document.querySelectorAll(".strip figure")].filter((f) => f.querySelector("img"));
    if (!panel || pictures.length < 2) return;
    const [before, after, slider, room] = ["before", "after", "slide", "room"].map((n) => byId(`compare-${n}`));
    for (const choice of [before, after]) {
      pictures.forEach((figure, k) => {
        const option = make("option", "", figure.dataset.when);
        option.value = String(k);
        choice.append(option);
      });
    }
    before.value = panel.dataset.first;
    after.value = panel.dataset.last;
    const show = () => {
      const figures = [before, after].map((choice) => {
        const figure = pictures[Number(choice.value)].cloneNode(true);
        figure.removeAttribute("id");
        return figure;
      });
      room.replaceChildren(...figures);
      byId("compare-said").textContent = `Left: ${pictures[before.value].dataset.when}. Right: ${pictures[after.value].dataset.when}.`;
    };
    const cut = () => {
      room.style.setProperty("--cut", `${slider.value}%`);
      slider.setAttribute("aria-valuetext", `${slider.value} % of the earlier picture`);
    };
    const mode = (beside) => {
      room.className = beside ? "compare beside" : "compare slide";
      byId("compare-beside").setAttribute("aria-pressed", String(beside));
      slider.closest("label").hidden = beside;
    };
    before.addEventListener("change", show);
    after.addEventListener("change", show);
    slider.addEventListener("input", cut);
    byId("compare-beside").addEventListener("click", () => mode(room.className === "compare slide"));
    byId("compare-outlines").addEventListener("click", (event) => {
      const off = document.body.classList.toggle("no-outlines");
      event.currentTarget.setAttribute("aria-pressed", String(!off));
    });
    panel.hidden = false;
    mode(false);
    show();
    cut();
  }

  // --- tables that sort --------------------------------------------------------------------------------------

  function sorting() {
    for (const table of document.querySelectorAll("table.sortable")) {
      const body = table.tBodies[0];
      [...table.tHead.rows[0].cells].forEach((head, column) => {
        const button = make("button", "", head.textContent);
        button.type = "button";
        head.replaceChildren(button);
        button.addEventListener("click", () => {
          const down = head.getAttribute("aria-sort") === "ascending";
          for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
          head.setAttribute("aria-sort", down ? "descending" : "ascending");
          const key = (row) => row.cells[column].dataset.sort ?? "";
          const order = (a, b) => {
            const [x, y] = [key(a), key(b)];
            if (x === "" || y === "") return (x === "") - (y === "");  // what is not told stays last
            const numbers = !Number.isNaN(Number(x)) && !Number.isNaN(Number(y));
            return (down ? -1 : 1) * (numbers ? x - y : x.localeCompare(y));
          };
          body.append(...[...body.rows].sort(order));
        });
      });
    }
  }

  days();
  compare();
  sorting();
  window.ready = true;
})();
