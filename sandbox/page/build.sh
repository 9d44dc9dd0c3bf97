#!/bin/sh
# Rebuild the page's bundle (needs node and npm). The result is committed, so nobody else needs them.
set -eu
cd "$(dirname "$0")"
test -d node_modules || npm ci --ignore-scripts
rm -rf static
mkdir static
NODE_ENV=production npx --no-install esbuild src/main.jsx --bundle --minify --format=iife --jsx=automatic \
  --target=es2022,chrome110,firefox115,safari16 --legal-comments=none --charset=utf8 \
  '--define:process.env.NODE_ENV="production"' --metafile=static/meta.json --outfile=static/page.js --log-level=warning
cp src/index.html static/index.html
node licences.mjs static/meta.json > static/LICENSES.txt
rm static/meta.json
node hash.mjs > static/SOURCES.sha256
echo "built: $(wc -c < static/page.js) bytes"
