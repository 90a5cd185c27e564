package media

var (
	EncodeULaw = encodeULaw
	DecodeULaw = decodeULaw
)
