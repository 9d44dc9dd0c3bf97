// The licences of every package that is in the bundle, from the packages themselves.
import { existsSync, readFileSync, readdirSync } from "node:fs";

const { inputs } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const folders = new Set();
for (const input of Object.keys(inputs)) {
  const found = input.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//);
  if (found) folders.add(found[1]);
}
const out = ["What page.js and page.css contain beside this repository's own code, and under which licence.", ""];
for (const folder of [...folders].sort()) {
  const about = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const file = readdirSync(folder).find((n) => /^licen[cs]e/i.test(n));
  out.push("=".repeat(78), `${about.name} ${about.version} (${about.license || "see below"})`, "");
  out.push(file && existsSync(`${folder}/${file}`) ? readFileSync(`${folder}/${file}`, "utf8").trim() : `Licence: ${about.license}`, "");
}
console.log(out.join("\n"));
