module slipgate.dev/hellos/record

go 1.24
