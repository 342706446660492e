// Walks through pages in Debian's Firefox. Reads one JSON object from standard input: the address, the session's cookie, and the steps, each a
// list: ["goto", path], ["click", selector], ["type", selector, words], ["files", selector, paths], ["see", selector, words], ["picture", path].
// Writes what went wrong on the pages as JSON.
import { readFileSync } from "node:fs";
import puppeteer from "puppeteer-core";

const { firefox, address, session, steps } = JSON.parse(readFileSync(0, "utf8"));
const browser = await puppeteer.launch({ browser: "firefox", executablePath: firefox, headless: true });
const wrong = [];
try {
  const page = await browser.newPage();
  await page.setViewport({ width: 1440, height: 900 });
  page.on("console", (message) => ["error", "warn"].includes(message.type()) && wrong.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(String(error)));
  await page.evaluateOnNewDocument(() => addEventListener("securitypolicyviolation", (e) => console.error(`CSP: ${e.violatedDirective} ${e.blockedURI}`)));
  await browser.setCookie({ name: "sessionid", value: session, domain: new URL(address).hostname });
  const does = {
    goto: (path) => page.goto(address + path),
    click: (selector) => page.locator(selector).click(),
    type: async (selector, words) => { await page.locator(selector).click(); await page.keyboard.type(words); },
    files: async (selector, paths) => { await (await page.waitForSelector(selector)).uploadFile(...paths); },
    see: (selector, words) => page.waitForFunction(
      (selector, words) => [...document.querySelectorAll(selector)].some((one) => one.textContent.includes(words)), {}, selector, words),
    picture: (path) => page.screenshot({ path }),
  };
  for (const [name, ...rest] of steps) {
    try { await does[name](...rest); } catch (error) { throw new Error(`${name} ${JSON.stringify(rest)}: ${error.message}\n${await page.evaluate(() => document.body.innerText)}`); }
  }
} finally {
  await browser.close();
}
process.stdout.write(JSON.stringify(wrong));
