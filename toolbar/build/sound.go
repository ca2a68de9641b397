package main

// buildSound makes the AudioWorklet, which browsers load by its name as they do Workers. Pages learn that from the module built:sound.
func buildSound(web string) (*beside, error) {
	s := newBeside("built:sound")
	return s, s.bundle(web, "worklet", "src/sound/sound-worklet.ts")
}
