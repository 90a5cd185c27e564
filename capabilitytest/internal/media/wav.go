package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// maxWAVTime is how long a WAV file may play. Twilio warns of longer ones at <Play>.
const maxWAVTime = 40 * time.Minute

// Format tags of a WAV file, from Microsoft's mmreg.h.
const (
	formatPCM        = 1
	formatULaw       = 7
	formatExtensible = 0xfffe // the real one begins the GUID at the end of the chunk
)

// ParseWAV reads a WAV file, 16 bit PCM or µ-law, at any rate, mono or stereo. The error says what else it is, such as MP3.
func ParseWAV(file []byte) (Sound, error) {
	pcm, err := decodeWAV(file)
	if err != nil {
		return Sound{}, fmt.Errorf("media: %w", err)
	}
	return Sound{notes: []note{{samples: len(pcm), pcm: pcm}}}, nil
}

func decodeWAV(file []byte) ([]int16, error) {
	if len(file) < 12 || string(file[:4]) != "RIFF" || string(file[8:12]) != "WAVE" {
		return nil, fmt.Errorf("not a WAV file, but %s", kind(file))
	}
	var format []byte
	for rest := file[12:]; len(rest) >= 8; {
		id, size := string(rest[:4]), int64(binary.LittleEndian.Uint32(rest[4:]))
		// A program that writes to a pipe cannot know the size: then it is too large.
		chunk := rest[8:][:min(size, int64(len(rest)-8))]
		switch {
		case id == "fmt ":
			format = chunk
		case id == "data" && len(format) < 16:
			return nil, errors.New("a WAV file without a format")
		case id == "data":
			return decodeSamples(format, chunk)
		}
		rest = rest[8+len(chunk):]
		if len(chunk)%2 == 1 && len(rest) > 0 {
			rest = rest[1:] // chunks are padded to whole words
		}
	}
	return nil, errors.New("a WAV file without audio")
}

func decodeSamples(format, data []byte) ([]int16, error) {
	tag := binary.LittleEndian.Uint16(format)
	channels := int(binary.LittleEndian.Uint16(format[2:]))
	rate := int(binary.LittleEndian.Uint32(format[4:]))
	bits := binary.LittleEndian.Uint16(format[14:])
	if tag == formatExtensible && len(format) >= 26 {
		tag = binary.LittleEndian.Uint16(format[24:])
	}
	if channels != 1 && channels != 2 {
		return nil, fmt.Errorf("a WAV file with %d channels; only mono and stereo can be played", channels)
	}
	var pcm []int16
	var err error
	switch {
	case tag == formatPCM && bits == 16:
		pcm, err = resample(rate, channels, len(data)/2, func(i int) int16 { return int16(binary.LittleEndian.Uint16(data[2*i:])) })
	case tag == formatULaw && bits == 8:
		pcm, err = resample(rate, channels, len(data), func(i int) int16 { return decodeULaw(data[i]) })
	default:
		err = fmt.Errorf("a WAV file with %d bits in format %d; only 16 bit PCM (1) and 8 bit µ-law (7) can be played", bits, tag)
	}
	return pcm, err
}

// resample returns n samples of one or two channels at 8 kHz in one. Each is the mean of those in its time, which
// keeps most of what is higher than 4 kHz from being heard as something else.
func resample(rate, channels, n int, sample func(i int) int16) ([]int16, error) {
	n /= channels
	if rate == 0 {
		return nil, errors.New("a WAV file with a rate of 0 Hz")
	}
	length := n * sampleRate / rate
	if length > samples(maxWAVTime) {
		return nil, fmt.Errorf("a WAV file of more than %v", maxWAVTime)
	}
	pcm := make([]int16, length)
	for i := range pcm {
		from := i * rate / sampleRate
		to := max((i+1)*rate/sampleRate, from+1)
		total := 0
		for j := from * channels; j < to*channels; j++ {
			total += int(sample(j))
		}
		pcm[i] = int16(total / ((to - from) * channels))
	}
	return pcm, nil
}

// kind says what the file may be instead of WAV, by the bytes that it starts with.
func kind(file []byte) string {
	kinds := []struct{ magic, name string }{
		{"ID3", "MP3, which cannot be decoded here"},
		{"\xff\xfb", "MP3, which cannot be decoded here"},
		{"\xff\xf3", "MP3, which cannot be decoded here"},
		{"\xff\xf2", "MP3, which cannot be decoded here"},
		{"FORM", "AIFF, which cannot be decoded here"},
		{"OggS", "Ogg, which cannot be decoded here"},
		{"fLaC", "FLAC, which cannot be decoded here"},
		{".snd", "AU, which cannot be decoded here"},
		{"<", "a page or XML"},
	}
	for _, k := range kinds {
		if bytes.HasPrefix(file, []byte(k.magic)) {
			return k.name
		}
	}
	return "something unknown"
}

// encodeWAV makes a file of 16 bit PCM at 8 kHz from pieces of such.
func encodeWAV(channels int, pieces [][]byte) []byte {
	size := 0
	for _, piece := range pieces {
		size += len(piece)
	}
	const header = 44
	align := 2 * channels
	file := make([]byte, 0, header+size)
	file = append(file, "RIFF"...)
	file = binary.LittleEndian.AppendUint32(file, uint32(header-8+size))
	file = append(file, "WAVEfmt "...)
	file = binary.LittleEndian.AppendUint32(file, 16)
	file = binary.LittleEndian.AppendUint16(file, formatPCM)
	file = binary.LittleEndian.AppendUint16(file, uint16(channels))
	file = binary.LittleEndian.AppendUint32(file, sampleRate)
	file = binary.LittleEndian.AppendUint32(file, uint32(sampleRate*align))
	file = binary.LittleEndian.AppendUint16(file, uint16(align))
	file = binary.LittleEndian.AppendUint16(file, 16)
	file = append(file, "data"...)
	file = binary.LittleEndian.AppendUint32(file, uint32(size))
	for _, piece := range pieces {
		file = append(file, piece...)
	}
	return file
}
