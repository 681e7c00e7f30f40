import { posix } from "node:path";
import { type Import, scanImports } from "./imports.ts";
import { clientSide, lineLimit, outside, type Rule, rules } from "./rules.ts";

/**
 * What breaks the rules, one line each.
 * @param sources path below src (`core/errors.ts`) to text, of all files
 */
export const checkHouse = (sources: ReadonlyMap<string, string>): string[] => {
  const problems: string[] = [];
  const arrows = new Map<string, Arrow[]>();
  for (const [file, source] of sources) {
    if (!file.endsWith(".ts")) problems.push(`${file} is not a .ts file`);
    const { imports, barrel } = scanImports(source);
    if (barrel) problems.push(`${file} only re-exports: import from where it is defined`);
    const lines = source.trimEnd().split("\n").length;
    if (lines > lineLimit) problems.push(`${file} has ${lines} lines, over ${lineLimit}: split it`);
    arrows.set(
      file,
      imports.map((found) => toArrow(file, found)),
    );
  }
  const client = reachedInBroker(arrows);
  const partOf = (file: string): string => (client.has(file) ? "broker client" : file.replace(/(\/.*|\.[a-z]+)$/, ""));
  for (const [file, targets] of arrows) {
    const part = partOf(file);
    const rule = Object.hasOwn(rules, part) ? rules[part] : undefined;
    if (rule === undefined) problems.push(`${file} lies in a part without a rule`);
    else for (const arrow of targets) problems.push(...checkArrow({ file, part, rule, arrow, sources, partOf }));
  }
  return [...problems, ...findCycles(arrows)];
};

interface Arrow extends Import {
  /** For a relative import, the path below src. */
  path: string | null;
}

const toArrow = (file: string, found: Import): Arrow => ({
  ...found,
  path:
    found.specifier !== null && /^\.\.?(\/|$)/.test(found.specifier)
      ? posix.join(posix.dirname(file), found.specifier)
      : null,
});

/** The files of the broker's client side: those named, and what they import inside the folder. */
const reachedInBroker = (arrows: ReadonlyMap<string, readonly Arrow[]>): ReadonlySet<string> => {
  const reached = new Set(clientSide);
  for (const file of reached) {
    for (const { path } of arrows.get(file) ?? []) if (path?.startsWith("broker/")) reached.add(path);
  }
  return reached;
};

interface Question {
  file: string;
  part: string;
  rule: Rule;
  arrow: Arrow;
  sources: ReadonlyMap<string, string>;
  partOf(file: string): string;
}

const checkArrow = ({ file, part, rule, arrow, sources, partOf }: Question): string[] => {
  const { specifier, path, kind } = arrow;
  if (specifier === null) return [`${file} imports something computed`];
  if (path === null) return mayImportModule(file, rule, specifier, kind) ? [] : [`${file} may not import ${specifier}`];
  if (outside[file] === path) return [];
  if (!sources.has(path)) return [`${file} imports ${specifier}, which is no file of src`];
  const target = partOf(path);
  const allowed =
    target === part || rule.parts.includes(target) || (kind === "dynamic" && rule.lazily?.includes(target));
  if (!allowed) return [`${file} may not import ${path}`];
  const behindDoor =
    target === "broker client" && part !== target && !rule.parts.includes("broker") && !clientSide.includes(path);
  return behindDoor ? [`${file} may import ${clientSide.join(", ")} of the broker, not ${path}`] : [];
};

const mayImportModule = (file: string, rule: Rule, specifier: string, kind: Import["kind"]): boolean => {
  if (/^(node|bun):/.test(specifier) || specifier === "bun") return rule.builtins;
  const name = /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
  const where = Object.hasOwn(rule.packages, name) ? rule.packages[name] : undefined;
  if (where === undefined) return false;
  if (typeof where === "string") return where === "anywhere" || kind === "type";
  return where.includes(file);
};

/** Circles of imports that load one another. Type-only imports do not count: they are gone when the program runs. */
const findCycles = (arrows: ReadonlyMap<string, readonly Arrow[]>): string[] => {
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    const start = trail.indexOf(file);
    if (start !== -1) cycles.push(`a cycle: ${[...trail.slice(start), file].join(" -> ")}`);
    if (start !== -1 || done.has(file)) return;
    for (const { path, kind } of arrows.get(file) ?? [])
      if (path !== null && kind !== "type") visit(path, [...trail, file]);
    done.add(file);
  };
  for (const file of arrows.keys()) visit(file, []);
  return cycles;
};
