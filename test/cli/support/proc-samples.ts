// Texts of /proc as real systems have them: Linux 6.x at rest, and a machine that has lost something.

export const snmp = `Ip: Forwarding DefaultTTL InReceives InHdrErrors
Ip: 1 64 35018763 0
Icmp: InMsgs InErrors
Icmp: 209740 0
Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
Udp: 33179326 204604 1432700 34863571 1432690 3 4 0 2
UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
UdpLite: 0 0 0 0 0 0 0 0 0
`

/** Of a kernel before 5.8, without the last columns. */
export const oldSnmp = `Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors
Udp: 12 0 0 12 0 0
`

export const snmp6 = `Ip6InReceives                   \t45570
Udp6InDatagrams                 \t22505
Udp6NoPorts                     \t0
Udp6InErrors                    \t0
Udp6OutDatagrams                \t22686
Udp6RcvbufErrors                \t0
Udp6SndbufErrors                \t0
UdpLite6InErrors                \t7
`

export const udp = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops            
 1234: 0100007F:270F 00000000:0000 07 00000000:00033F00 00:00000000 00000000  1000        0 1964815 2 00000000ec5a3018 1234       
11872: 0100007F:BAEB 0100007F:270F 01 00000000:00000000 00:00000000 00000000     0        0 1964816 2 00000000ec5a3019 0       
`

export const udp6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  517: 00000000000000000000000000000000:14E9 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000   105        0 22222 2 000000009aef6ab4 5
`

export const softnet = `00a1b2c3 0000001f 00000003 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
00a1b2c4 00000001 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000001 00000001
`

export const limits = `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max open files            1024                 524288               files     
Max locked memory         8388608              8388608              bytes     
Max address space         unlimited            unlimited            bytes     
`

export const cgroupV2 = '0::/system.slice/collector.service\n'
export const cgroupV1 = `9:name=systemd:/
5:devices:/
4:cpu,memory:/docker/752095868da3
0::/
`
