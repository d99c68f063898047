// Opens a page in Chromium, uses it as a reader would, and prints the results as JSON.
// Usage: node browser.mjs CHROMIUM MODULES PAGE [SCREENSHOTS]

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [chromium, modules, page, screenshots] = process.argv.slice(2);
const require = createRequire(modules + "/");
const puppeteer = require("puppeteer-core");
const axe = await readFile(require.resolve("axe-core/axe.min.js"), "utf8");

const browser = await puppeteer.launch({
  executablePath: chromium,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
const errors = [];
const requests = [];
const dialogs = [];

const open = async (scheme, bypass) => {
  const tab = await browser.newPage();
  tab.on("console", (message) => ["error", "warn"].includes(message.type()) && errors.push(message.text()));
  tab.on("pageerror", (error) => errors.push(String(error)));
  tab.on("dialog", (dialog) => (dialogs.push(dialog.message()), dialog.dismiss()));
  tab.on("request", (request) => requests.push(request.url()));
  await tab.setViewport({ width: 1100, height: 900 });
  await tab.setBypassCSP(bypass);
  await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await tab.goto(pathToFileURL(page).href, { waitUntil: "load" });
  return tab;
};

const accessibility = {};
const backgrounds = {};
for (const scheme of ["light", "dark"]) {
  const tab = await open(scheme, true);
  await tab.addStyleTag({ content: "article { content-visibility: visible !important }" });
  await tab.evaluate(axe);
  const found = await tab.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  accessibility[scheme] = found.violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).slice(0, 2).join(" ")}`);
  backgrounds[scheme] = await tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
  if (screenshots) await tab.screenshot({ path: `${screenshots}/${scheme}.png`, fullPage: true });
  await tab.close();
}

// The rest runs under the page's own content security policy.
const tab = await open("light", false);
const visible = () =>
  tab.evaluate(() => [...document.querySelectorAll("article:not([hidden])")].map((it) => it.dataset.folder));
const status = () => tab.evaluate(() => document.getElementById("shown")?.textContent ?? "");
const filters = {};
for (const name of await tab.evaluate(() => [...document.querySelectorAll("form.filters select")].map((it) => it.name))) {
  filters[name] = {};
  const options = await tab.evaluate(
    (name) => [...document.querySelector(`select[name=${name}]`).options].map((it) => it.value),
    name,
  );
  for (const option of options) {
    await tab.select(`select[name=${name}]`, option);
    filters[name][option] = { shown: await visible(), status: await status() };
  }
  await tab.select(`select[name=${name}]`, "");
}
let typed = null;
if (Object.keys(filters).length) {
  // Uses only the keyboard.
  await tab.focus("input[name=text]");
  await tab.keyboard.type("nixpkgs");
  typed = await visible();
  await tab.click("button[type=reset]");
  await new Promise((done) => setTimeout(done, 50));
}
const sorted = {};
for (const id of await tab.evaluate(() => [...document.querySelectorAll("table")].map((it) => it.id))) {
  const heads = await tab.$$(`#${id} thead button`);
  sorted[id] = [];
  for (const [column, head] of heads.entries()) {
    const cells = () =>
      tab.evaluate((id, column) => [...document.getElementById(id).tBodies[0].rows].map((row) => row.cells[column].textContent), id, column);
    await head.focus();
    await tab.keyboard.press("Enter");
    const up = await cells();
    await tab.keyboard.press("Enter");
    sorted[id].push({ up, down: await cells() });
  }
}
let repositories = null;
if (await tab.$("form.rows")) {
  const rows = () => tab.evaluate(() => document.querySelectorAll("#repositories-table tbody tr:not([hidden])").length);
  repositories = { all: await status() };
  await tab.focus("form.rows input");
  await tab.keyboard.type("REPOSITORY-01");
  Object.assign(repositories, { found: await status(), rows: await rows() });
  await tab.click("form.rows button");
  await new Promise((done) => setTimeout(done, 50));
  repositories.reset = await status();
}
const after = { status: await status(), injected: await tab.evaluate(() => window.injected ?? null) };
const started = performance.now();
if (Object.keys(filters).length) await tab.type("input[name=text]", "x");
const filterTime = performance.now() - started;
await browser.close();
console.log(JSON.stringify({ errors, requests, dialogs, accessibility, backgrounds, filters, typed, sorted, repositories, after, filterTime }));
