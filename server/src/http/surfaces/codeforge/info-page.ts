/** What a browser sees until the console is there: that this is the right address, and how to go on. */
export function infoPage(version: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Slipway</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }
code { background: color-mix(in srgb, currentColor 10%, transparent); padding: .1em .3em; border-radius: .2em; }
:root { color-scheme: light dark; }
</style>
</head>
<body>
<h1>Slipway ${escapeHtml(version)}</h1>
<p>The server is running. Its API is at <code>/api/v1</code>; <a href="/health">/health</a> tells how it is.</p>
<p>From a terminal on this machine: <code>npx slipway list</code>, <code>npx slipway run --help</code>.</p>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
