import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

/** The query API that `npm run dev` and `vite preview` show. */
const API = process.env['VANTAGE_QUERY_URL'] ?? 'http://127.0.0.1:5000';

/** Words that the API's paths share with pages: a browser that navigates there asks for HTML. */
const shared = { target: API, bypass: ({ headers }: { headers: { accept?: string } }) => (headers.accept?.includes('text/html') ? '/index.html' : undefined) };

export default defineConfig({
  plugins: [react()],
  server: {
    port: 3000,
    proxy: {
      '/api': API,
      '/vql': API,
      '/health': shared,
      '/traces': shared,
      '/compare': shared,
      '/openapi.json': API,
      '/ws': { target: API, ws: true },
    },
  },
  build: {
    target: 'es2022',
    // three alone is ~700 kB before gzip; it is a lazy chunk of its own.
    chunkSizeWarningLimit: 900,
    // An inlined asset would be a data: URL, which a strict CSP refuses.
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'three', test: /node_modules[\\/]three[\\/]/, priority: 30 },
            {
              name: 'react',
              test: /node_modules[\\/](react|react-dom|scheduler|react-is|zustand|use-sync-external-store)[\\/]/,
              priority: 25,
            },
            { name: 'r3f', test: /node_modules[\\/](@react-three|postprocessing|maath|n8ao|its-fine|suspend-react)/, priority: 20 },
            {
              name: 'charts',
              test: /node_modules[\\/](recharts|victory-vendor|@reduxjs|react-redux|redux|immer|reselect|es-toolkit|decimal\.js-light|d3-(scale|shape|path|array|interpolate|time|format|color))/,
              priority: 15,
            },
          ],
        },
      },
    },
  },
  worker: { format: 'es' },
  test: { environment: 'node', include: ['src/**/*.test.{ts,tsx}'] },
});
