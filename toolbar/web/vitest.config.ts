import { defineConfig } from 'vitest/config'

export default defineConfig({
  // The time is for a test that hangs; a busy machine must not be the reason that one fails.
  test: { include: ['test/unit/**/*.test.ts'], environment: 'node', testTimeout: 120_000 },
})
