package media_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-6c737938/capability/capabilitytest/internal/media"
)

// wavFormat is the fmt chunk of a WAV file.
type wavFormat struct {
	Tag, Channels uint16
	Rate, Bytes   uint32
	Align, Bits   uint16
}

func chunk(id string, size int, data []byte) []byte {
	c := binary.LittleEndian.AppendUint32([]byte(id), uint32(size))
	return append(c, data...)
}

// wav makes a WAV file of the chunks.
func wav(chunks ...[]byte) []byte {
	body := append([]byte("WAVE"), bytes.Join(chunks, nil)...)
	return chunk("RIFF", len(body), body)
}

func format(tag, channels uint16, rate uint32, bits uint16) []byte {
	align := channels * bits / 8
	f, err := binary.Append(nil, binary.LittleEndian, wavFormat{tag, channels, rate, rate * uint32(align), align, bits})
	if err != nil {
		panic(err)
	}
	return chunk("fmt ", len(f), f)
}

func data(d []byte) []byte {
	return chunk("data", len(d), d)
}

// sine is 440 Hz for a second, in 16 bits.
func sine(rate, channels int) (d []byte) {
	for i := range rate {
		for range channels {
			d = binary.LittleEndian.AppendUint16(d, uint16(int16(8000*math.Sin(2*math.Pi*440*float64(i)/float64(rate)))))
		}
	}
	return d
}

// pcm returns the samples of a mono recording.
func pcm(t *testing.T, file []byte) (a media.Audio) {
	t.Helper()
	require.GreaterOrEqual(t, len(file), 44)
	for i := 44; i < len(file); i += 2 {
		a = append(a, int16(binary.LittleEndian.Uint16(file[i:])))
	}
	return a
}

func TestParseWAV(t *testing.T) {
	extensible := append(format(0xfffe, 1, 8000, 16)[8:], 22, 0, 16, 0, 4, 0, 0, 0)
	extensible = append(extensible, 1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71)
	mono := sine(8000, 1)
	var ulaw []byte
	for i := 0; i < len(mono); i += 2 {
		ulaw = append(ulaw, media.EncodeULaw(int16(binary.LittleEndian.Uint16(mono[i:]))))
	}
	for name, file := range map[string][]byte{
		"8 kHz":                 wav(format(1, 1, 8000, 16), data(mono)),
		"11.025 kHz":            wav(format(1, 1, 11025, 16), data(sine(11025, 1))),
		"44.1 kHz, stereo":      wav(format(1, 2, 44100, 16), data(sine(44100, 2))),
		"48 kHz":                wav(format(1, 1, 48000, 16), data(sine(48000, 1))),
		"4 kHz":                 wav(format(1, 1, 4000, 16), data(sine(4000, 1))),
		"µ-law":                 wav(format(7, 1, 8000, 8), data(ulaw)),
		"µ-law, with a size":    wav(chunk("fmt ", 18, append(format(7, 1, 8000, 8)[8:], 0, 0)), data(ulaw)),
		"extensible":            wav(chunk("fmt ", len(extensible), extensible), data(mono)),
		"other chunks":          wav(chunk("LIST", 3, []byte("abc\x00")), format(1, 1, 8000, 16), chunk("fact", 4, make([]byte, 4)), data(mono), chunk("LIST", 1<<31, nil)),
		"from a pipe":           wav(format(1, 1, 8000, 16), chunk("data", math.MaxUint32, mono)),
		"more bytes than audio": append(wav(format(1, 1, 8000, 16), data(mono)), "trailing"...),
	} {
		t.Run(name, func(t *testing.T) {
			s, err := media.ParseWAV(file)
			require.NoError(t, err)
			assert.Equal(t, time.Second, s.Duration())
			heard := record(t, s)[:8000]
			assert.True(t, heard.HasTone(440))
			assert.InDelta(t, 0.17, heard.RMS(), 0.02)
		})
	}
}

func TestParseWAVErrors(t *testing.T) {
	pcm := make([]byte, 8)
	for name, test := range map[string]struct {
		file []byte
		want string
	}{
		"nothing":        {nil, "media: not a WAV file, but something unknown"},
		"MP3":            {[]byte("ID3\x04 and so on"), "media: not a WAV file, but MP3, which cannot be decoded here"},
		"MP3, bare":      {[]byte("\xff\xfb\x90\x64"), "media: not a WAV file, but MP3, which cannot be decoded here"},
		"HTML":           {[]byte("<!doctype html><title>Not found</title>"), "media: not a WAV file, but a page or XML"},
		"AVI":            {[]byte("RIFF\x04\x00\x00\x00AVI "), "media: not a WAV file, but something unknown"},
		"cut":            {wav()[:11], "media: not a WAV file, but something unknown"},
		"no chunks":      {wav(), "media: a WAV file without audio"},
		"no audio":       {wav(format(1, 1, 8000, 16)), "media: a WAV file without audio"},
		"half a chunk":   {wav(format(1, 1, 8000, 16), []byte("data")), "media: a WAV file without audio"},
		"no format":      {wav(data(pcm)), "media: a WAV file without a format"},
		"short format":   {wav(chunk("fmt ", 4, make([]byte, 4)), data(pcm)), "media: a WAV file without a format"},
		"24 bits":        {wav(format(1, 1, 8000, 24), data(pcm)), "media: a WAV file with 24 bits in format 1; only 16 bit PCM (1) and 8 bit µ-law (7) can be played"},
		"A-law":          {wav(format(6, 1, 8000, 8), data(pcm)), "media: a WAV file with 8 bits in format 6; only 16 bit PCM (1) and 8 bit µ-law (7) can be played"},
		"extensible":     {wav(format(0xfffe, 1, 8000, 16), data(pcm)), "media: a WAV file with 16 bits in format 65534; only 16 bit PCM (1) and 8 bit µ-law (7) can be played"},
		"no channel":     {wav(format(1, 0, 8000, 16), data(pcm)), "media: a WAV file with 0 channels; only mono and stereo can be played"},
		"three channels": {wav(format(1, 3, 8000, 16), data(pcm)), "media: a WAV file with 3 channels; only mono and stereo can be played"},
		"no rate":        {wav(format(1, 1, 0, 16), data(pcm)), "media: a WAV file with a rate of 0 Hz"},
		"too long":       {wav(format(1, 1, 1, 16), data(make([]byte, 2*2401))), "media: a WAV file of more than 40m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := media.ParseWAV(test.file)
			assert.EqualError(t, err, test.want)
		})
	}
}

func FuzzParseWAV(f *testing.F) {
	f.Add(wav(format(1, 2, 44100, 16), data(make([]byte, 400))))
	f.Add(wav(format(7, 1, 8000, 8), data(make([]byte, 100))))
	f.Add(wav(chunk("LIST", 5, []byte("abcde\x00")), format(0xfffe, 1, 8000, 16), chunk("data", math.MaxUint32, nil)))
	f.Add([]byte(strings.Repeat("RIFF", 10)))
	f.Fuzz(func(t *testing.T, file []byte) {
		s, err := media.ParseWAV(file)
		if err != nil {
			return
		}
		if d := s.Duration(); d < 0 || d > 40*time.Minute {
			t.Errorf("plays %v", d)
		}
	})
}
