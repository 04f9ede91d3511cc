# Network boot through Hearth.
# For RouterOS 7.4 or newer. Set the first three lines to your DHCP server's name, its
# address pool and its network, then paste all of it into a terminal.
# The iPXE matcher comes first and has to stay above the others.
:global hearthServer "defconf"
:global hearthPool "default-dhcp"
:global hearthNetwork "192.168.88.0/24"

/ip dhcp-server network set [find address=$hearthNetwork] next-server=192.168.1.1

# iPXE itself; with option 175 it need not wait for a proxy DHCP server.
/ip dhcp-server option add name=hearth-ipxe code=67 force=yes value="'default.ipxe'"
/ip dhcp-server option add name=hearth-ipxe-175 code=175 force=yes value="0xb00101"
/ip dhcp-server option sets add name=hearth-ipxe options=hearth-ipxe,hearth-ipxe-175
/ip dhcp-server matcher add name=hearth-ipxe server=$hearthServer address-pool=$hearthPool code=77 value="iPXE" option-set=hearth-ipxe

# x86 BIOS (option 93: 0)
/ip dhcp-server option add name=hearth-bios code=67 force=yes value="'undionly.kpxe'"
/ip dhcp-server option sets add name=hearth-bios options=hearth-bios
/ip dhcp-server matcher add name=hearth-bios-0 server=$hearthServer address-pool=$hearthPool code=93 value="0x0000" option-set=hearth-bios

# UEFI x86, 32 bits (option 93: 6)
/ip dhcp-server option add name=hearth-i386 code=67 force=yes value="'i386/snponly.efi'"
/ip dhcp-server option sets add name=hearth-i386 options=hearth-i386
/ip dhcp-server matcher add name=hearth-i386-6 server=$hearthServer address-pool=$hearthPool code=93 value="0x0006" option-set=hearth-i386

# UEFI x86-64 (option 93: 7, 9)
/ip dhcp-server option add name=hearth-x86_64 code=67 force=yes value="'snponly.efi'"
/ip dhcp-server option sets add name=hearth-x86_64 options=hearth-x86_64
/ip dhcp-server matcher add name=hearth-x86_64-7 server=$hearthServer address-pool=$hearthPool code=93 value="0x0007" option-set=hearth-x86_64
/ip dhcp-server matcher add name=hearth-x86_64-9 server=$hearthServer address-pool=$hearthPool code=93 value="0x0009" option-set=hearth-x86_64

# UEFI ARM, 32 bits (option 93: 10)
/ip dhcp-server option add name=hearth-arm32 code=67 force=yes value="'arm32/snponly.efi'"
/ip dhcp-server option sets add name=hearth-arm32 options=hearth-arm32
/ip dhcp-server matcher add name=hearth-arm32-10 server=$hearthServer address-pool=$hearthPool code=93 value="0x000a" option-set=hearth-arm32

# UEFI ARM, 64 bits (option 93: 11)
/ip dhcp-server option add name=hearth-arm64 code=67 force=yes value="'arm64/snponly.efi'"
/ip dhcp-server option sets add name=hearth-arm64 options=hearth-arm64
/ip dhcp-server matcher add name=hearth-arm64-11 server=$hearthServer address-pool=$hearthPool code=93 value="0x000b" option-set=hearth-arm64

# UEFI x86, 32 bits, HTTP boot (option 93: 15)
/ip dhcp-server option add name=hearth-i386-http code=67 force=yes value="'http://192.168.1.1:8069/files/i386/snponly.efi'"
/ip dhcp-server option add name=hearth-i386-http-60 code=60 force=yes value="'HTTPClient'"
/ip dhcp-server option sets add name=hearth-i386-http options=hearth-i386-http,hearth-i386-http-60
/ip dhcp-server matcher add name=hearth-i386-http-15 server=$hearthServer address-pool=$hearthPool code=93 value="0x000f" option-set=hearth-i386-http

# UEFI x86-64, HTTP boot (option 93: 16, 17)
/ip dhcp-server option add name=hearth-x86_64-http code=67 force=yes value="'http://192.168.1.1:8069/files/snponly.efi'"
/ip dhcp-server option add name=hearth-x86_64-http-60 code=60 force=yes value="'HTTPClient'"
/ip dhcp-server option sets add name=hearth-x86_64-http options=hearth-x86_64-http,hearth-x86_64-http-60
/ip dhcp-server matcher add name=hearth-x86_64-http-16 server=$hearthServer address-pool=$hearthPool code=93 value="0x0010" option-set=hearth-x86_64-http
/ip dhcp-server matcher add name=hearth-x86_64-http-17 server=$hearthServer address-pool=$hearthPool code=93 value="0x0011" option-set=hearth-x86_64-http

# UEFI ARM, 32 bits, HTTP boot (option 93: 18)
/ip dhcp-server option add name=hearth-arm32-http code=67 force=yes value="'http://192.168.1.1:8069/files/arm32/snponly.efi'"
/ip dhcp-server option add name=hearth-arm32-http-60 code=60 force=yes value="'HTTPClient'"
/ip dhcp-server option sets add name=hearth-arm32-http options=hearth-arm32-http,hearth-arm32-http-60
/ip dhcp-server matcher add name=hearth-arm32-http-18 server=$hearthServer address-pool=$hearthPool code=93 value="0x0012" option-set=hearth-arm32-http

# UEFI ARM, 64 bits, HTTP boot (option 93: 19)
/ip dhcp-server option add name=hearth-arm64-http code=67 force=yes value="'http://192.168.1.1:8069/files/arm64/snponly.efi'"
/ip dhcp-server option add name=hearth-arm64-http-60 code=60 force=yes value="'HTTPClient'"
/ip dhcp-server option sets add name=hearth-arm64-http options=hearth-arm64-http,hearth-arm64-http-60
/ip dhcp-server matcher add name=hearth-arm64-http-19 server=$hearthServer address-pool=$hearthPool code=93 value="0x0013" option-set=hearth-arm64-http
