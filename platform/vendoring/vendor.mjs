// Copy the browser libraries, unmodified, out of node_modules into platform/static/vendor.
//
// For maintainers only, in this folder: `npm ci --ignore-scripts && node vendor.mjs`. To move a version, change
// package.json, run `npm install --package-lock-only --omit-lockfile-registry-resolved`, then the two commands.
// The lock file pins each package by its integrity hash and records no download host.
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));
const places = [
  {
    // What pages load.
    target: join(root, "platform", "static", "vendor"),
    wanted: {
      bootstrap: ["dist/css/bootstrap.min.css", "dist/js/bootstrap.bundle.min.js", "LICENSE"],
      echarts: ["dist/echarts.min.js", "LICENSE", "NOTICE"],
      "htmx.org": ["dist/htmx.min.js", "LICENSE"],
      "tus-js-client": ["dist/tus.min.js", "LICENSE"],
    },
  },
  {
    // What only the browser tests load.
    target: join(root, "tests", "pages", "vendor"),
    wanted: { "axe-core": ["axe.min.js", "LICENSE"] },
  },
];

const sha256 = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");

function copied(name, file, folder) {
  const to = join(folder, file);
  mkdirSync(dirname(to), { recursive: true });
  cpSync(join(here, "node_modules", name, file), to);
  return sha256(to);
}

function library(name, files, target) {
  const { version, license } = JSON.parse(
    readFileSync(join(here, "node_modules", name, "package.json"), "utf8"),
  );
  const folder = `${name}@${version}`;
  const hashes = files.map((file) => [file, copied(name, file, join(target, folder))]);
  return { name, version, licence: license, source: "npm", folder, sha256: Object.fromEntries(hashes) };
}

for (const { target, wanted } of places) {
  rmSync(target, { recursive: true, force: true });
  const libraries = Object.entries(wanted).map(([name, files]) => library(name, files, target));
  writeFileSync(join(target, "VENDOR.json"), `${JSON.stringify({ libraries }, null, 2)}\n`);
}
