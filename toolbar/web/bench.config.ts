import { defineConfig } from '@playwright/test'
import config from './playwright.config.js'

// What is measured in the browser: one thing at a time, nothing that fails for being slow.
export default defineConfig({ ...config, testDir: 'test/bench', globalSetup: undefined, workers: 1 })
