package media

// Patch connects two phones back to back: each says what the other hears, a frame later.
func Patch(a, b *Leg) {
	a.m.mu.Lock()
	defer a.m.mu.Unlock()
	a.patch, b.patch = b, a
}
