# Network boot through Hearth.
# Run this in an elevated PowerShell on the DHCP server. It holds for all scopes.
# Remove options 60, 66 and 67 from scopes and reservations: they would win over it.
# Policies count in order: iPXE's is the first.
$ErrorActionPreference = 'Stop'
if (-not (Get-DhcpServerv4OptionDefinition | Where-Object OptionId -eq 60)) {
  Add-DhcpServerv4OptionDefinition -OptionId 60 -Name 'Vendor class' -Type String
}
if (-not (Get-DhcpServerv4OptionDefinition | Where-Object OptionId -eq 175)) {
  Add-DhcpServerv4OptionDefinition -OptionId 175 -Name 'iPXE' -Type BinaryData
}

# iPXE itself; with option 175 it need not wait for a proxy DHCP server.
Add-DhcpServerv4Class -Name 'Hearth iPXE' -Type User -Data 'iPXE'
Add-DhcpServerv4Policy -Name 'Hearth iPXE' -Condition OR -UserClass EQ,'Hearth iPXE' -ProcessingOrder 1
Set-DhcpServerv4OptionValue -PolicyName 'Hearth iPXE' -OptionId 66 -Value '192.168.1.1'
Set-DhcpServerv4OptionValue -PolicyName 'Hearth iPXE' -OptionId 67 -Value 'default.ipxe'
Set-DhcpServerv4OptionValue -PolicyName 'Hearth iPXE' -OptionId 175 -Value 0xb0,0x01,0x01

# x86 BIOS (option 93: 0)
Add-DhcpServerv4Class -Name 'Hearth bios 0' -Type Vendor -Data 'PXEClient:Arch:00000'
Add-DhcpServerv4Policy -Name 'Hearth bios' -Condition OR -VendorClass EQ,'Hearth bios 0*' -ProcessingOrder 2
Set-DhcpServerv4OptionValue -PolicyName 'Hearth bios' -OptionId 66 -Value '192.168.1.1'
Set-DhcpServerv4OptionValue -PolicyName 'Hearth bios' -OptionId 67 -Value 'undionly.kpxe'

# UEFI x86, 32 bits (option 93: 6)
Add-DhcpServerv4Class -Name 'Hearth i386 6' -Type Vendor -Data 'PXEClient:Arch:00006'
Add-DhcpServerv4Policy -Name 'Hearth i386' -Condition OR -VendorClass EQ,'Hearth i386 6*' -ProcessingOrder 3
Set-DhcpServerv4OptionValue -PolicyName 'Hearth i386' -OptionId 66 -Value '192.168.1.1'
Set-DhcpServerv4OptionValue -PolicyName 'Hearth i386' -OptionId 67 -Value 'i386/snponly.efi'

# UEFI x86-64 (option 93: 7, 9)
Add-DhcpServerv4Class -Name 'Hearth x86_64 7' -Type Vendor -Data 'PXEClient:Arch:00007'
Add-DhcpServerv4Class -Name 'Hearth x86_64 9' -Type Vendor -Data 'PXEClient:Arch:00009'
Add-DhcpServerv4Policy -Name 'Hearth x86_64' -Condition OR -VendorClass EQ,'Hearth x86_64 7*','Hearth x86_64 9*' -ProcessingOrder 4
Set-DhcpServerv4OptionValue -PolicyName 'Hearth x86_64' -OptionId 66 -Value '192.168.1.1'
Set-DhcpServerv4OptionValue -PolicyName 'Hearth x86_64' -OptionId 67 -Value 'snponly.efi'

# UEFI ARM, 32 bits (option 93: 10)
Add-DhcpServerv4Class -Name 'Hearth arm32 10' -Type Vendor -Data 'PXEClient:Arch:00010'
Add-DhcpServerv4Policy -Name 'Hearth arm32' -Condition OR -VendorClass EQ,'Hearth arm32 10*' -ProcessingOrder 5
Set-DhcpServerv4OptionValue -PolicyName 'Hearth arm32' -OptionId 66 -Value '192.168.1.1'
Set-DhcpServerv4OptionValue -PolicyName 'Hearth arm32' -OptionId 67 -Value 'arm32/snponly.efi'

# UEFI ARM, 64 bits (option 93: 11)
Add-DhcpServerv4Class -Name 'Hearth arm64 11' -Type Vendor -Data 'PXEClient:Arch:00011'
Add-DhcpServerv4Policy -Name 'Hearth arm64' -Condition OR -VendorClass EQ,'Hearth arm64 11*' -ProcessingOrder 6
Set-DhcpServerv4OptionValue -PolicyName 'Hearth arm64' -OptionId 66 -Value '192.168.1.1'
Set-DhcpServerv4OptionValue -PolicyName 'Hearth arm64' -OptionId 67 -Value 'arm64/snponly.efi'

# UEFI x86, 32 bits, HTTP boot (option 93: 15)
Add-DhcpServerv4Class -Name 'Hearth i386-http 15' -Type Vendor -Data 'HTTPClient:Arch:00015'
Add-DhcpServerv4Policy -Name 'Hearth i386-http' -Condition OR -VendorClass EQ,'Hearth i386-http 15*' -ProcessingOrder 7
Set-DhcpServerv4OptionValue -PolicyName 'Hearth i386-http' -OptionId 60 -Value 'HTTPClient'
Set-DhcpServerv4OptionValue -PolicyName 'Hearth i386-http' -OptionId 67 -Value 'http://192.168.1.1:8069/files/i386/snponly.efi'

# UEFI x86-64, HTTP boot (option 93: 16, 17)
Add-DhcpServerv4Class -Name 'Hearth x86_64-http 16' -Type Vendor -Data 'HTTPClient:Arch:00016'
Add-DhcpServerv4Class -Name 'Hearth x86_64-http 17' -Type Vendor -Data 'HTTPClient:Arch:00017'
Add-DhcpServerv4Policy -Name 'Hearth x86_64-http' -Condition OR -VendorClass EQ,'Hearth x86_64-http 16*','Hearth x86_64-http 17*' -ProcessingOrder 8
Set-DhcpServerv4OptionValue -PolicyName 'Hearth x86_64-http' -OptionId 60 -Value 'HTTPClient'
Set-DhcpServerv4OptionValue -PolicyName 'Hearth x86_64-http' -OptionId 67 -Value 'http://192.168.1.1:8069/files/snponly.efi'

# UEFI ARM, 32 bits, HTTP boot (option 93: 18)
Add-DhcpServerv4Class -Name 'Hearth arm32-http 18' -Type Vendor -Data 'HTTPClient:Arch:00018'
Add-DhcpServerv4Policy -Name 'Hearth arm32-http' -Condition OR -VendorClass EQ,'Hearth arm32-http 18*' -ProcessingOrder 9
Set-DhcpServerv4OptionValue -PolicyName 'Hearth arm32-http' -OptionId 60 -Value 'HTTPClient'
Set-DhcpServerv4OptionValue -PolicyName 'Hearth arm32-http' -OptionId 67 -Value 'http://192.168.1.1:8069/files/arm32/snponly.efi'

# UEFI ARM, 64 bits, HTTP boot (option 93: 19)
Add-DhcpServerv4Class -Name 'Hearth arm64-http 19' -Type Vendor -Data 'HTTPClient:Arch:00019'
Add-DhcpServerv4Policy -Name 'Hearth arm64-http' -Condition OR -VendorClass EQ,'Hearth arm64-http 19*' -ProcessingOrder 10
Set-DhcpServerv4OptionValue -PolicyName 'Hearth arm64-http' -OptionId 60 -Value 'HTTPClient'
Set-DhcpServerv4OptionValue -PolicyName 'Hearth arm64-http' -OptionId 67 -Value 'http://192.168.1.1:8069/files/arm64/snponly.efi'
