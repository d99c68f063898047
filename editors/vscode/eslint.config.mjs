import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist/**"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  { languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } } },
  // node:test returns promises that the runner waits for.
  { files: ["test/**"], rules: { "@typescript-eslint/no-floating-promises": "off" } },
);
