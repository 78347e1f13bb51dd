/**
 * Makes text from nodes safe to print. Whatever a task prints is data: it must not move the cursor, change colours or
 * titles, answer queries or hide itself. Well-formed control sequences are removed whole, every other control character
 * by itself, so that no printable text is ever lost.
 */

/** In the language of regular expressions, since control characters in its literals are hard to see. */
const esc = '\\u001b';
/** CSI … final byte; OSC, DCS, SOS, PM and APC strings up to their terminator; two-character escapes (ECMA-48). */
const sequences = new RegExp(
  [
    `(?:${esc}\\[|\\u009b)[0-?]*[ -/]*[@-~]`,
    `(?:${esc}[\\]PX^_]|[\\u009d\\u0090\\u0098\\u009e\\u009f])[^\\u0007\\u001b\\u009c\\n\\r]*(?:\\u0007|${esc}\\\\|\\u009c)`,
    `${esc}[ -/]*[0-OQ-WYZ\\\\\`-~]`,
  ].join('|'),
  'g',
);
/** C0 but tab and line feed, DEL, C1. */
const controls = new RegExp(`[${['\\u0000-\\u0008', '\\u000b-\\u001f', '\\u007f-\\u009f'].join('')}]`, 'g');

/** `text` without terminal control. Lines and tabs stay; a carriage return counts as the end of a line. */
export function stripControl(text: string): string {
  return text
    .replace(sequences, '')
    .replace(/\r+\n?/g, '\n')
    .replace(controls, '');
}

/** `text` as one line: control removed, line breaks and tabs as single spaces. */
export function oneLine(text: string): string {
  return stripControl(text)
    .replace(/[\n\t]+/g, ' ')
    .trim();
}
