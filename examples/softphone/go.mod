module github.com/seed-6c737938/capability/examples/softphone

go 1.25.0

require (
	github.com/seed-6c737938/capability v0.0.0
	github.com/stretchr/testify v1.12.1
	github.com/twilio/twilio-go v1.31.0
)

require (
	github.com/beevik/etree v1.1.0 // indirect
	github.com/coder/websocket v1.8.15 // indirect
	github.com/golang-jwt/jwt/v5 v5.3.1 // indirect
	github.com/golang/mock v1.6.0 // indirect
	github.com/pkg/errors v0.9.1 // indirect
)

require (
	github.com/seed-6c737938/capability/capabilitytest v0.0.0
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)

replace github.com/seed-6c737938/capability => ../..

replace github.com/seed-6c737938/capability/capabilitytest => ../../capabilitytest
