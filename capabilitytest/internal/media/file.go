package media

import "encoding/binary"

// WAV returns one round of the sound as a file of 16 bit PCM at 8 kHz.
func (s Sound) WAV() []byte {
	var pcm []byte
	for _, n := range s.notes {
		for i := range n.samples {
			pcm = binary.LittleEndian.AppendUint16(pcm, uint16(n.sample(i)))
		}
	}
	return encodeWAV(1, [][]byte{pcm})
}
