// A page in a real browser, told what to do line by line: {"goto": url}, {"run": "code"} or {"leave": true}.
// Every line is answered with {"value": ...} or {"error": "..."}; nothing but loopback can be reached.
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server"];
const browser = await chromium.launch({ executablePath: process.argv[2], args });
const context = await browser.newContext();
let page = await context.newPage();
const strangers = [];
await context.route(
  (url) => url.hostname !== "127.0.0.1",
  (route) => {
    strangers.push(route.request().url());
    return route.abort();
  },
);

async function obey(line) {
  if (line.goto) return void (await page.goto(line.goto));
  if (line.strangers) return strangers;
  if (line.leave) {
    await page.goto("about:blank");
    return null;
  }
  return await page.evaluate(`(async () => { ${line.run} })()`);
}

for await (const text of createInterface({ input: process.stdin })) {
  let reply;
  try {
    reply = { value: (await obey(JSON.parse(text))) ?? null };
  } catch (error) {
    reply = { error: String(error) };
  }
  process.stdout.write(JSON.stringify(reply) + "\n");
}
await browser.close();
