package media_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
)

// The values at the ends of each segment of ITU-T G.711 table 2a, for 16 bits.
func TestDecodeULaw(t *testing.T) {
	for b, want := range map[byte]int16{
		0x80: 32124, 0x8f: 16764, 0x90: 15996, 0x9f: 8316, 0xa0: 7932, 0xaf: 4092, 0xb0: 3900, 0xbf: 1980,
		0xc0: 1884, 0xcf: 924, 0xd0: 876, 0xdf: 396, 0xe0: 372, 0xef: 132, 0xf0: 120, 0xfe: 8, 0xff: 0,
	} {
		assert.Equal(t, want, media.DecodeULaw(b), "%#x", b)
		assert.Equal(t, -want, media.DecodeULaw(b&^0x80), "%#x", b&^0x80)
	}
}

func TestEncodeULaw(t *testing.T) {
	for b := range 256 {
		if b == 0x7f {
			continue // the other zero
		}
		assert.Equal(t, byte(b), media.EncodeULaw(media.DecodeULaw(byte(b))), "%#x", b)
	}
	// Every sample is off by half a step of its segment at most, but for the loudest.
	for sample := -32768; sample <= 32767; sample++ {
		b := media.EncodeULaw(int16(sample))
		off := abs(int(media.DecodeULaw(b)) - sample)
		segment := ^b >> 4 & 7
		if abs(sample) > 32635 {
			assert.Contains(t, []byte{0x00, 0x80}, b, sample)
		} else if off > 4<<segment {
			assert.Fail(t, "too far off", "%d becomes %#x, %d off", sample, b, off)
		}
	}
}

func abs(i int) int {
	return max(i, -i)
}
