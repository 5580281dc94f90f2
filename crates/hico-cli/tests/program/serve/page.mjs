// Goes through the page of `hico serve` as a person does, in Chromium. What does not hold ends it with an error.
//
//   node page.mjs CHROMIUM URL FOLDER CLIP...      FOLDER takes downloads and pictures of the screen
//   HICO_BAD_CLIP   a file that is no clip
//   HICO_TOKEN      the server's token, if it has one
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { chromium } = createRequire(join(process.env.NODE_PATH ?? "", "x.js"))("playwright-core");
const [executablePath, url, folder, ...clips] = process.argv.slice(2);
const { HICO_BAD_CLIP: bad, HICO_TOKEN: token } = process.env;

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const problems = [];
const elsewhere = [];

async function open(colorScheme) {
  const context = await browser.newContext({ colorScheme, acceptDownloads: true, viewport: { width: 1100, height: 900 } });
  const page = await context.newPage();
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => {
    if (!/^(data:|blob:)/.test(request.url()) && !request.url().startsWith(url)) elsewhere.push(request.url());
  });
  await page.goto(url);
  if (token) {
    await page.getByLabel("This server requires a token").fill(token);
    await page.keyboard.press("Enter");
  }
  await page.locator("#warnings li").first().waitFor();
  return page;
}

async function answered(page, clip) {
  await page.setInputFiles("#file", clip);
  await page.locator("#result").waitFor({ timeout: 60_000 });
  await page.waitForFunction(() => !document.getElementById("file").disabled);
}

// What a screen reader is told of everything that can be reached.
async function names(page) {
  return page.evaluate(() => {
    const nameOf = (one) => one.getAttribute("aria-label") || [...(one.labels ?? [])].map((label) => label.textContent).join(" ")
      || (one.getAttribute("aria-labelledby") && document.getElementById(one.getAttribute("aria-labelledby")).textContent)
      || one.textContent;
    const reached = [...document.querySelectorAll("button, input, select, a, [tabindex='0'], [role=img]")];
    return reached.filter((one) => one.offsetParent || one.tagName === "svg").map((one) => [one.id || one.tagName, nameOf(one).trim()]);
  });
}

for (const scheme of ["light", "dark"]) {
  const page = await open(scheme);
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const bright = Number(background.match(/\d+/)[0]) > 128;
  assert.equal(bright, scheme === "light", `${scheme}: ${background}`);

  for (const [number, clip] of clips.entries()) {
    await answered(page, clip);
    assert.match(await page.locator("#prediction").textContent(), /^\S.*: \d+\.\d %$/);
    assert.match(await page.locator("#status").textContent(), /\d+ frames?\.$/);
    const frames = Number(await page.locator("#scrub").getAttribute("max")) + 1;
    assert.ok(await page.locator("#near tr").count() > 0, "nearest clips");
    assert.ok((await page.locator("#picture").evaluate((picture) => picture.naturalWidth)) > 0, "the frame is drawn");

    // Through the clip by keys alone.
    await page.locator("#scrub").focus();
    const first = await page.locator("#frame-words").textContent();
    if (frames > 1) {
      await page.keyboard.press("End");
      assert.notEqual(await page.locator("#frame-words").textContent(), first);
      assert.match(await page.locator("#scrub").getAttribute("aria-valuetext"), /^frame \d+.* \(last: \d+\): \S.* \d+\.\d %$/);
      await page.keyboard.press("ArrowLeft");
      const { width, height } = await page.locator("#chart").boundingBox();
      await page.locator("#chart").click({ position: { x: width * 0.5, y: height * 0.4 } });
      const middle = Number(await page.locator("#scrub").inputValue());
      assert.ok(Math.abs(middle - (frames - 1) * 0.49) < frames * 0.1 + 1, `a click in the middle shows frame ${middle} of ${frames}`);
      await page.locator("#play").press("Enter");
      await page.waitForFunction((from) => Number(document.getElementById("scrub").value) !== from, middle);
      await page.locator("#play").press("Enter");
    }

    // Maps of every level, each another picture, unless no region is evidence for the class.
    const seen = new Set();
    let empty = 0;
    for (const level of ["local", "medium", "global", "occlusion"]) {
      await page.locator(`input[name=level][value=${level}]`).check();
      await page.waitForFunction((level) => document.getElementById("picture").alt.endsWith(`(${level})`), level, { timeout: 60_000 });
      const belief = await page.locator("#belief").textContent();
      if (belief.startsWith("No region")) empty += 1;
      else seen.add(await page.locator("#picture").getAttribute("src"));
      assert.match(belief, /^(No region|Bright: )/);
    }
    assert.ok(seen.size === 4 - empty && seen.size >= 2, `${seen.size} maps and ${empty} empty ones of 4`);
    await page.locator("input[name=level][value=medium]").check();
    await page.screenshot({ path: join(folder, `page-${scheme}-${number}.png`), fullPage: true });
    const unnamed = (await names(page)).filter(([, name]) => !name);
    assert.deepEqual(unnamed, [], "everything that can be reached has a name");

    const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#download").click()]);
    assert.match(download.suggestedFilename(), /\.hico\.json$/);
    const path = join(folder, `answer-${scheme}-${number}.json`);
    await download.saveAs(path);
    const saved = JSON.parse(readFileSync(path, "utf8"));
    assert.equal(saved.frames.length, frames);
    assert.equal(saved.explained.length >= 1, true);
    assert.equal(saved.pictures, undefined);
  }

  await page.setInputFiles("#file", bad);
  await page.locator("#error").waitFor();
  assert.ok((await page.locator("#error").textContent()).length > 20);
  assert.ok(await page.locator("#result").isHidden(), "an old answer does not stand beside a new error");
  await page.screenshot({ path: join(folder, `page-${scheme}-bad.png`), fullPage: true });
  await page.setViewportSize({ width: 380, height: 800 });
  await answered(page, clips[0]);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing is wider than a telephone");
  await page.screenshot({ path: join(folder, `page-${scheme}-narrow.png`), fullPage: true });
  await page.context().close();
}
await browser.close();
assert.deepEqual(problems, []);
assert.deepEqual(elsewhere, [], "nothing is asked for elsewhere");
console.log(JSON.stringify({ clips: clips.length }));
