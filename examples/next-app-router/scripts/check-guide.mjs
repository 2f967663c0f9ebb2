// Holds the guide to the code it teaches.
//
//   node scripts/check-guide.mjs           fails when a quoted block differs from its file
//   node scripts/check-guide.mjs --write   fills the quoted blocks from their files
//
// A quotation is a comment, then a fenced block. The comment says what the block shows:
//
//   <!-- file: app/page.tsx -->                        the file
//   <!-- file: app/page.tsx#name -->                   the region of that name
//   <!-- file: app/page.tsx without name, other -->    the file before these regions were written
//
// A region is the lines between `// region name` and `// endregion` (`# region name` and
// `# endregion` in files without `//` comments). Several may have one name, and `#name` is the first.

import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const example = join(dirname(fileURLToPath(import.meta.url)), '..');
const guide = join(example, '..', '..', 'docs', 'guides', 'next-app-router');
const languages = ['en', 'pt-BR'];
const write = process.argv.includes('--write');

/** Languages of code that belongs to the example: such a block must name its file. */
const mustBeQuoted = new Set(['ts', 'tsx', 'js', 'jsx', 'mjs', 'env', 'css']);
const markPattern = /^<!-- file: ([\w./[\]-]+?)(?:#([\w-]+)| without ([\w-]+(?:, [\w-]+)*))? -->$/;
const regionStart = /^\s*(?:\/\/|#) region ([\w-]+)$/;
const regionEnd = /^\s*(?:\/\/|#) endregion$/;

const problems = [];
const marksOf = new Map(languages.map((language) => [language, check(language)]));
compareMarks();

if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}
const count = marksOf.get(languages[0]).length;
console.log(`${count} blocks in ${languages.length} languages say what the files say.`);

/** Checks or fills one language's page, and returns its quotations in order. */
function check(language) {
  const path = join(guide, `${language}.md`);
  const lines = readFileSync(path, 'utf8').split('\n');
  const output = [];
  const marks = [];

  for (let at = 0; at < lines.length; ) {
    const where = `${language}.md:${at + 1}`;
    const mark = markPattern.exec(lines[at]);
    if (!mark) {
      if (lines[at].startsWith('<!-- file:')) {
        problems.push(`${where}: this mark is not understood: ${lines[at]}`);
      }
      const block = fencedBlock(lines, at, where);
      if (block && mustBeQuoted.has(block.language)) {
        problems.push(`${where}: a ${block.language} block without a mark`);
      }
      const end = block ? block.end : at + 1;
      output.push(...lines.slice(at, end));
      at = end;
      continue;
    }

    const [, file, region, omitted] = mark;
    marks.push(mark[0].slice('<!-- file: '.length, -' -->'.length));
    const expected = quoted(file, region, omitted?.split(', ') ?? [], where);
    const block = fencedBlock(lines, at + 1, where);
    if (!write && !block) {
      problems.push(`${where}: no block after the mark`);
    } else if (!write && block.text !== expected) {
      problems.push(`${where}: differs from ${marks.at(-1)}${firstDifference(block.text, expected)}`);
    } else if (!write && block.language !== languageOf(file)) {
      problems.push(`${where}: a ${languageOf(file)} file in a ${block.language} block`);
    }
    output.push(lines[at], `\`\`\`${languageOf(file)}`, expected, '```');
    at = block ? block.end : at + 1;
  }

  if (write && problems.length === 0) {
    writeFileSync(path, output.join('\n'));
  }
  return marks;
}

/** The fenced block that begins at a line, if one does; `end` is the line after it. */
function fencedBlock(lines, start, where) {
  const opening = /^\s*(`{3,}|~{3,})\s*([\w-]*)/.exec(lines[start] ?? '');
  if (!opening) {
    return undefined;
  }
  const close = lines.findIndex((line, at) => at > start && line.trim() === opening[1]);
  if (close < 0) {
    problems.push(`${where}: a block that never ends`);
    return { language: opening[2], text: '', end: lines.length };
  }
  return { language: opening[2], text: lines.slice(start + 1, close).join('\n'), end: close + 1 };
}

/** What the guide must show of a file: most of it, or one region without its indentation. */
function quoted(file, region, omitted, where) {
  if (normalize(file).startsWith('..')) {
    problems.push(`${where}: ${file} is outside the example`);
    return '';
  }
  let lines;
  try {
    lines = readFileSync(join(example, file), 'utf8').trimEnd().split('\n');
  } catch {
    problems.push(`${where}: there is no ${file}`);
    return '';
  }
  if (region) {
    const start = lines.findIndex((line) => regionStart.exec(line)?.[1] === region);
    const length = lines.slice(start + 1).findIndex((line) => regionEnd.test(line));
    if (start < 0 || length < 0) {
      problems.push(`${where}: ${file} has no region ${region}`);
      return '';
    }
    lines = lines.slice(start + 1, start + 1 + length);
  }
  for (const name of omitted) {
    const shorter = withoutRegions(lines, name);
    if (shorter.length === lines.length) {
      problems.push(`${where}: ${file} has no region ${name} to leave out`);
    }
    lines = shorter;
  }
  const kept = lines.filter((line) => !regionStart.test(line) && !regionEnd.test(line));
  const indents = kept.filter((line) => line.trim()).map((line) => line.search(/\S/));
  const indent = region ? Math.min(...indents) : 0;
  return kept.map((line) => line.slice(indent)).join('\n');
}

function withoutRegions(lines, name) {
  let inside = false;
  return lines.filter((line) => {
    inside ||= regionStart.exec(line)?.[1] === name;
    const left = !inside;
    inside &&= !regionEnd.test(line);
    return left;
  });
}

function languageOf(file) {
  return file.startsWith('.env') ? 'env' : extname(file).slice(1);
}

function firstDifference(shown, expected) {
  const [left, right] = [shown.split('\n'), expected.split('\n')];
  const at = right.findIndex((line, index) => line !== left[index]);
  const line = at < 0 ? right.length : at;
  return `\n    guide: ${left[line] ?? '(nothing)'}\n    file:  ${right[line] ?? '(nothing)'}`;
}

/** Each language must quote the same blocks in the same order. */
function compareMarks() {
  const [first, ...others] = languages;
  const reference = marksOf.get(first);
  if (reference.length === 0) {
    problems.push(`${first}.md quotes nothing`);
  }
  for (const language of others) {
    const marks = marksOf.get(language);
    const length = Math.max(reference.length, marks.length);
    for (let at = 0; at < length; at += 1) {
      if (reference[at] !== marks[at]) {
        problems.push(
          `quotation ${at + 1}: ${first}.md has ${reference[at] ?? 'none'}, ${language}.md has ${marks[at] ?? 'none'}`,
        );
        break;
      }
    }
  }
}
