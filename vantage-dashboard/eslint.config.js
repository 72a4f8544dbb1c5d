import js from '@eslint/js';
import hooks from 'eslint-plugin-react-hooks';
import refresh from 'eslint-plugin-react-refresh';
import tseslint from 'typescript-eslint';

const REACT = ['react', 'react/*', 'react-dom', 'react-dom/*', '@tanstack/*', 'recharts', 'zustand', 'zustand/*'];
const THREE = ['three', 'three/*', '@react-three/*', 'postprocessing'];

/** The import law: what a folder may not reach for, and why. */
const forbid = (files, groups) => ({
  files,
  rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: groups }] },
});

export default tseslint.config(
  { ignores: ['src/api/schema.d.ts', 'dist', 'coverage', 'shots', 'dev', 'e2e'] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  hooks.configs.flat.recommended,
  refresh.configs.vite,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // Indexes into typed arrays are in range by construction; noUncheckedIndexedAccess makes "!" the honest way to say so.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  forbid(['src/world/**'], [
    { group: [...REACT, ...THREE], message: 'world/ is plain data: neither React nor three.' },
    { group: ['**/city/**', '**/panels/**', '**/ui/**', '**/pages/**', '**/app/**'], message: 'world/ depends on nothing above it.' },
  ]),
  forbid(['src/stream/**'], [
    { group: [...REACT, ...THREE], message: 'stream/ runs in workers: neither React nor three.' },
    { group: ['**/city/**', '**/panels/**', '**/ui/**', '**/pages/**', '**/app/**'], message: 'stream/ depends on nothing above it.' },
  ]),
  forbid(['src/panels/**'], [
    { group: THREE, message: 'panels/ must load without the 3D chunk.' },
    { group: ['**/pages/**', '**/city/scene/**'], message: 'panels/ do not know where they are shown.' },
  ]),
  forbid(['src/ui/**'], [
    { group: [...THREE, '@tanstack/*', 'zustand'], message: 'ui/ takes props only.' },
    { group: ['**/app/**', '**/api/**', '**/stream/**', '**/world/**', '**/city/**', '**/panels/**', '**/pages/**'], message: 'ui/ takes props only.' },
  ]),
  {
    // A render loop mutates what React handed it; the compiler rule is about render, not frames.
    files: ['src/city/**'],
    rules: { 'react-hooks/immutability': 'off' },
  },
  { files: ['eslint.config.js', 'vite.config.ts'], ...tseslint.configs.disableTypeChecked },
);
