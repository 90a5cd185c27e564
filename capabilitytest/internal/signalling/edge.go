package signalling

import (
	"cmp"
	"regexp"
)

// A place is where a device is connected, as the SDKs name it in lib/twilio/regions.ts.
type place struct{ edge, region string }

// home is the region of every account of the stand-in.
const home = "us1"

// regions are the names of the regions in which the edges are.
var regions = map[string]string{
	"ashburn":   "US_EAST_VIRGINIA",
	"umatilla":  "US_WEST_OREGON",
	"dublin":    "EU_IRELAND",
	"frankfurt": "EU_FRANKFURT",
	"singapore": "ASIAPAC_SINGAPORE",
	"sydney":    "ASIAPAC_SYDNEY",
	"tokyo":     "ASIAPAC_TOKYO",
	"sao-paulo": "SOUTH_AMERICA_SAO_PAULO",

	// The interconnect edges, which the SDKs know by their short names alone.
	"ashburn-ix":   "us1-ix",
	"san-jose-ix":  "us2-ix",
	"london-ix":    "ie1-ix",
	"frankfurt-ix": "de1-ix",
	"singapore-ix": "sg1-ix",
	"sydney-ix":    "au1-ix",
	"tokyo-ix":     "jp1-ix",
}

// edges are those of the regions that SDK 1.x can ask for instead.
var edges = map[string]string{
	"us1": "ashburn", "us2": "umatilla", "ie1": "dublin", "de1": "frankfurt", "sg1": "singapore", "au1": "sydney",
	"jp1": "tokyo", "br1": "sao-paulo", "us1-ix": "ashburn-ix", "us2-ix": "san-jose-ix", "ie1-ix": "london-ix",
	"de1-ix": "frankfurt-ix", "sg1-ix": "singapore-ix", "au1-ix": "sydney-ix", "jp1-ix": "tokyo-ix",
	"us1-tnx": "ashburn-ix", "us2-tnx": "ashburn-ix", "ie1-tnx": "london-ix", "sg1-tnx": "singapore-ix",
}

// signallingHost is a host of Twilio's that an SDK connects to, with the edge or the
// region.
var signallingHost = regexp.MustCompile(`^(?:voice-js\.([a-z-]+)|chunderw-vpc-gll-([a-z0-9-]+))\.twilio\.com$`)

// placeOf returns the place that a page asks for. Without one, and where any will do, it is
// in Virginia.
func placeOf(host string) place {
	edge := "ashburn"
	if found := signallingHost.FindStringSubmatch(host); found != nil {
		edge = cmp.Or(edges[found[2]], found[1])
	}
	if regions[edge] == "" {
		edge = "ashburn"
	}
	return place{edge, regions[edge]}
}
