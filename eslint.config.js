/** Style of the page's JavaScript, of the npm package, and of their tests. */

import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: [".*/", "**/vendor/", "**/dist/"] },
  js.configs.recommended,
  {
    rules: {
      eqeqeq: "error",
      "no-eval": "error",
      "no-unused-vars": ["error", { varsIgnorePattern: "^_$", argsIgnorePattern: "^_" }],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  { files: ["fastapi_service/static/**/*.js", "packages/*/src/**/*.js"], languageOptions: { globals: globals.browser } },
  { files: ["bench/**/*.js", "packages/*/build.js", "tests/**/*.js"], languageOptions: { globals: globals.node } },
];
