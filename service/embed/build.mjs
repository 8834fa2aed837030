// Checks the types, then bundles src/ into service/web/static/embed.js; writes nothing else.
// The same sources give the same bytes on every machine, so a test can tell whether the committed
// file is fresh. With an argument the result goes there instead.
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const outfile = process.argv[2] ?? here("../web/static/embed.js");

// esbuild would take a style sheet as text with all its spaces.
const minifiedCss = {
  name: "minified css",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const { code } = await transform(source, { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

execFileSync(process.execPath, [here("node_modules/typescript/bin/tsc"), "-p", here(".")], {
  stdio: "inherit",
});
await build({
  absWorkingDir: here("."),
  entryPoints: ["src/main.ts"],
  bundle: true,
  charset: "utf8",
  format: "iife",
  logLevel: "warning",
  minify: true,
  outfile,
  plugins: [minifiedCss],
  target: "es2021",
});
const script = await readFile(outfile);
console.log(`embed.js: ${script.length} bytes, ${gzipSync(script, { level: 9 }).length} gzip`);
