/** Style of the page's JavaScript and of its tests. */

import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: [".*/", "**/vendor/"] },
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
  { files: ["fastapi_service/static/**/*.js"], languageOptions: { globals: globals.browser } },
  { files: ["bench/**/*.js", "tests/**/*.js"], languageOptions: { globals: globals.node } },
];
