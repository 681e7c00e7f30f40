/**
 * Compiles src/main.ts into one executable: `bun src/build.ts [--outfile FILE]`, by default dist/ssh-mcp.
 * Imported by nothing: it is the one file under src/ that is no part of the program.
 */
import { mkdir, mkdtemp, rename, rm, utimes } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";

const root = resolve(import.meta.dir, "..");

/**
 * Writes the executable beside its place and renames it, so that a running binary is never written to and a reader
 * never sees half of one. Its modification time is the moment the build began: a source saved later is newer.
 * @returns which module came from which, by their paths below the root
 * @throws Error when it does not compile; nothing is left behind then
 */
export const build = async (entry: string, outfile: string): Promise<Bun.BuildMetafile> => {
  const began = new Date();
  await mkdir(dirname(outfile), { recursive: true });
  // A folder rather than another name: the executable keeps its name inside itself.
  const folder = await mkdtemp(join(dirname(outfile), ".build-"));
  const unfinished = join(folder, basename(outfile));
  try {
    const { metafile } = await Bun.build({
      // Bun does not follow `new Worker`: a thread's code is an entry of its own, at its path below the root.
      entrypoints: [
        entry,
        join(root, "src/broker/outputs/search-worker.ts"),
        join(root, "src/ssh/auth/key-derivation-worker.ts"),
        join(root, "src/ssh/key-exchange/key-agreement-worker.ts"),
      ],
      root,
      minify: true,
      bytecode: true,
      // Each `import()` is a file of its own inside the executable: what a command does not import it does not load either. In one
      // file, all of it is looked through at every start, which takes 11 ms.
      splitting: true,
      metafile: true,
      // Without it bytecode implies CommonJS: no top-level await, and consola dies on import.meta.
      format: "esm",
      // ssh2 tries these native add-ons and works without them: the executable must not depend on whether
      // whoever built it had a C compiler.
      external: ["cpu-features", "*.node"],
      // Or a bunfig.toml or .env in whatever folder the executable is started in would run code in it.
      compile: { outfile: unfinished, autoloadDotenv: false, autoloadBunfig: false },
    });
    if (metafile === undefined) throw new Error("Bun made no metafile");
    await utimes(unfinished, began, began);
    await rename(unfinished, outfile);
    return metafile;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

if (import.meta.main) {
  const { values } = parseArgs({ options: { outfile: { type: "string", default: join(root, "dist/ssh-mcp") } } });
  const outfile = resolve(values.outfile);
  await build(join(root, "src/main.ts"), outfile);
  process.stdout.write(`${outfile}\n`);
}
