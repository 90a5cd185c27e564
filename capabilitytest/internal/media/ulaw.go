package media

import "math/bits"

// The µ-law of ITU-T G.711, for samples of 16 bits: a sign, three bits of exponent and four of mantissa, inverted.
const (
	ulawBias = 132 // the least exponent's first bit, and half a step
	ulawClip = 1<<15 - 1 - ulawBias
)

func encodeULaw(sample int16) byte {
	v, sign := int(sample), 0
	if v < 0 {
		v, sign = -v, 0x80
	}
	v = min(v, ulawClip) + ulawBias
	exponent := bits.Len(uint(v)) - 8
	return ^byte(sign | exponent<<4 | v>>(exponent+3)&0xf)
}

func decodeULaw(b byte) int16 {
	b = ^b
	v := (int(b&0xf)<<3+ulawBias)<<(b>>4&7) - ulawBias
	if b&0x80 != 0 {
		v = -v
	}
	return int16(v)
}
