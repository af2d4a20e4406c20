# One image for api, worker and the model simulator; docker-compose.yml says which command each runs.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund --loglevel=error
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY tools ./tools
RUN npm run build && npm prune --omit=dev --no-audit --no-fund --loglevel=error
# More than half of the packages' bytes, of which Node reads none. TypeScript is there because a package names it as a peer.
# The image has a Node of its own.
RUN rm -rf node_modules/typescript node_modules/@typescript node_modules/openai/src node_modules/node-linux-* node_modules/.bin/node && \
  find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' \) -delete

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY docs/runbooks ./docs/runbooks
USER node
EXPOSE 3000 3001 9464 9465
# Of the api, as CMD is. Who runs another command says with it how its health is asked.
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=12 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:3000/health/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Thousands of readers of streams may be connected. With these limits, Node collects their garbage before it takes more memory.
CMD ["node", "--max-old-space-size=768", "--max-semi-space-size=8", "dist/src/main/api.js"]
