/** The names in a held directory, and what is below it. */
import { readdir } from "node:fs/promises";
import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { pathText } from "../../core/files/path-text.ts";
import type { Refusal, TreeEntry } from "../../core/files/transfer-side.ts";
import { atCalls, isLinux } from "./at-calls.ts";
import { localError } from "./local-errors.ts";
import { factsOf } from "./local-read.ts";
import { cName, type LocalTree } from "./local-tree.ts";
import { Slice } from "./turns.ts";

const batchSize = 1000;

/** Sorted, so that two walks of the same tree go the same way. */
export const namesIn = async (directory: number): Promise<string[]> => {
  // Elsewhere it is listed by its path: if another directory has that meanwhile, its names lead to nothing in the held one.
  const path = isLinux ? `/proc/self/fd/${directory}` : atCalls().pathOf(directory);
  const names = await readdir(path, { encoding: "buffer" });
  return await sorted(names);
};

/** Names that are put in order at once: well under a millisecond. */
const runLength = 512;

/** As `sort` does it, in slices: a directory may have millions. */
const sorted = async (names: readonly Uint8Array[]): Promise<string[]> => {
  if (names.length <= runLength) return names.map(pathText).sort();
  const slice = new Slice();
  let runs: string[][] = [];
  for (let at = 0; at < names.length; at += runLength) {
    runs.push(
      names
        .slice(at, at + runLength)
        .map(pathText)
        .sort(),
    );
    if (slice.isOver) await slice.next();
  }
  while (runs.length > 1) {
    const merged: string[][] = [];
    for (let at = 0; at < runs.length; at += 2) merged.push(await mergedRun(runs[at] ?? [], runs[at + 1] ?? [], slice));
    runs = merged;
  }
  return runs[0] ?? [];
};

const mergedRun = async (one: readonly string[], other: readonly string[], slice: Slice): Promise<string[]> => {
  const both: string[] = [];
  let [at, beside] = [0, 0];
  while (at < one.length || beside < other.length) {
    const [mine, theirs] = [one[at], other[beside]];
    if (mine !== undefined && (theirs === undefined || mine <= theirs)) {
      both.push(mine);
      at++;
    } else if (theirs !== undefined) {
      both.push(theirs);
      beside++;
    }
    if (both.length % runLength === 0 && slice.isOver) await slice.next();
  }
  return both;
};

/** @param path below the tree's root; what is found is told from there on */
export async function* walkTree(
  tree: LocalTree,
  path: string,
  onRefused: (refusal: Refusal) => void,
): AsyncGenerator<readonly TreeEntry[], undefined> {
  const pending = [""];
  let batch: TreeEntry[] = [];
  const slice = new Slice();
  for (let below = pending.pop(); below !== undefined; below = pending.pop()) {
    const directories: string[] = [];
    const refuse = (entry: string, thrown: unknown): void => {
      const { code, message } = toSshMcpError(thrown);
      onRefused({ path: entry, code, message });
    };
    let names: string[];
    try {
      names = await namesOf(tree, joined(path, below));
    } catch (thrown) {
      // The root itself must be one.
      if (below === "") throw thrown;
      refuse(below, thrown);
      continue;
    }
    for (const name of names) {
      const entry = joined(below, name);
      try {
        const found = entryOf(tree, joined(path, entry), entry);
        // Gone since it was listed.
        if (found === null) continue;
        batch.push(found);
        if (found.facts.type === "directory") directories.push(entry);
      } catch (thrown) {
        refuse(entry, thrown);
      }
      if (slice.isOver) await slice.next();
      if (batch.length < batchSize) continue;
      yield batch;
      batch = [];
    }
    pending.push(...directories.reverse());
  }
  if (batch.length > 0) yield batch;
}

const joined = (parent: string, name: string): string =>
  parent === "" ? name : name === "" ? parent : `${parent}/${name}`;

const namesOf = async (tree: LocalTree, path: string): Promise<string[]> => {
  const directory = tree.hold(path);
  try {
    return await namesIn(directory);
  } catch (cause) {
    throw localError(tree.shownPath(path), "listed", cause);
  } finally {
    atCalls().close(directory);
  }
};

const entryOf = (tree: LocalTree, path: string, entry: string): TreeEntry | null => {
  const { directory, name } = tree.spot(path);
  const calls = atCalls();
  try {
    const look = calls.look(directory, name);
    if (look === null) return null;
    const linkTarget = look.type === "symlink" ? pathText(calls.readLink(directory, name)) : null;
    return { path: entry, facts: factsOf(look), linkTarget };
  } catch (cause) {
    throw localError(tree.shownPath(path), "looked at", cause);
  }
};

/**
 * Removes a file, a link, or a directory with all that is in it. What becomes a link meanwhile is removed itself, or makes this fail.
 * @throws SshMcpError NOT_FOUND, POLICY_DENIED, LOCAL_IO
 */
export const removeTree = async (tree: LocalTree, path: string): Promise<void> => {
  const { directory, name } = tree.spot(path);
  const calls = atCalls();
  const where = tree.shownPath(path);
  const look = calls.look(directory, name);
  if (look === null) throw new SshMcpError("NOT_FOUND", `${shown(where)} is not there`);
  try {
    if (look.type !== "directory") return calls.unlink(directory, name);
    await empty(tree, path);
    tree.drop(path);
    // Reached anew: nothing of a tree that is thousands of names deep is held while what is below goes.
    calls.removeDirectory(tree.spot(path).directory, name);
  } catch (cause) {
    throw localError(where, "removed", cause);
  }
};

const empty = async (tree: LocalTree, path: string): Promise<void> => {
  const slice = new Slice();
  for (const name of await namesOf(tree, path)) {
    const below = `${path}/${name}`;
    const spot = tree.spot(below);
    const look = atCalls().look(spot.directory, cName(name));
    if (look?.type === "directory") await removeTree(tree, below);
    else if (look !== null) {
      try {
        atCalls().unlink(spot.directory, spot.name);
      } catch (cause) {
        throw localError(tree.shownPath(below), "removed", cause);
      }
    }
    if (slice.isOver) await slice.next();
  }
};
