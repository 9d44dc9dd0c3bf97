// One SHA-256 over everything that the bundle is built from: names and contents, in order of the names.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";

const files = [...readdirSync("src").map((n) => `src/${n}`), "package.json", "package-lock.json", "build.sh", "hash.mjs", "licences.mjs"];
const hash = createHash("sha256");
for (const name of files.sort()) {
  hash.update(`${name}\0`);
  hash.update(readFileSync(name));
  hash.update("\0");
}
console.log(hash.digest("hex"));
