# The dashboard: built with Node, served by nginx as an ordinary user. Context: the repository root.

FROM node:22-slim AS build
WORKDIR /src
COPY vantage-dashboard/package.json vantage-dashboard/package-lock.json vantage-dashboard/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY vantage-dashboard ./
RUN npm run build

FROM nginxinc/nginx-unprivileged:1.29.4-alpine
COPY infrastructure/docker/nginx.conf infrastructure/docker/proxy.conf /etc/nginx/
COPY --from=build /src/dist /usr/share/nginx/html
USER 101
EXPOSE 3000
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s --retries=10 \
  CMD ["wget", "--quiet", "--tries=1", "--output-document=/dev/null", "http://127.0.0.1:3000/index.html"]
