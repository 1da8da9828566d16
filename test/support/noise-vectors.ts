// Handshakes whose keys and payloads are our own (SHA-256 of a label) and whose messages were computed by dissononce 0.34.3, a Python
// implementation of the Noise framework that shares nothing with ours. Payloads are empty in every other one, as on the wire.

export interface NoiseVector {
  readonly pattern: 'NNpsk0' | 'NK' | 'NKpsk0'
  readonly prologue: string
  readonly psk: string | null
  readonly clientEphemeral: string
  readonly serverEphemeral: string
  readonly serverStatic: string | null
  readonly serverPublic: string | null
  readonly payloads: readonly [string, string]
  readonly messages: readonly [string, string]
  readonly handshakeHash: string
  /** Each direction's first transport messages: `to the server N` with additional data sha256('spillway ad'), `to the client N` with none. */
  readonly toServer: readonly string[]
  readonly toClient: readonly string[]
}

export const noiseVectors: readonly NoiseVector[] = [
  {
    pattern: 'NNpsk0',
    prologue: '028d724cdc9e53ff593ddd9a3aedb72b4a48',
    psk: '412a5e90bf9442ef4834aedfc5d4a3c86a9547fa02fefc89fa29467410fae9d5',
    clientEphemeral: '3178dd5b361f1b0a22ed0f84ae884a99c4aa05972cecce8636c271050c3b00d8',
    serverEphemeral: '9c06d01dcc6af94a9d7c1ecb214fd7706f98bbd35f1343d298598f0784f72e9a',
    serverStatic: null,
    serverPublic: null,
    payloads: ['', ''],
    messages: [
      '4a2a621f49eabebde47fe245833e68ef7e559283d8cdb2426bba4d1c9b559228f9029d2682ecb1dd9ccb463f50f649ae',
      'e4bd167c11ba291d6a8870e6eb521393636c88e0ba361da37a7b9d43ea639c74e34ae396449eef71bf43464cc593e3cd',
    ],
    handshakeHash: '2a57c56397788ceff1fd26f4933a2a65d554e58a78f86eacc3e3edf247805e79',
    toServer: [
      'e56cb1f417cf51124d371ea55492002184f7789450a5970d74341b95b2407b',
      '4276a70e1251f588d31c99f39591376036b7f5f08c2b1aad593b559fa0d8a6',
      'dbe669a934f018c315d364da247439d8c875bb5b18133fbe92532e6f01d4a2',
    ],
    toClient: [
      '628efbdccde09832dd0718ada545b98d3a50e1949c813514eeb8f869984d9c',
      'a23d8062ec7dbd60ba71812b585a6ec8fd3ea8fed21e11e491bbcb7447252c',
      '96bf7e072f3f8399f834b8d1e27acda70a446b234269e6bc3e17153dfd6d5c',
    ],
  },
  {
    pattern: 'NNpsk0',
    prologue: 'e4e4785919248a9a57d527f4f51103adfac327f3eb0292d91f7747df8353f4',
    psk: '7800cafe5b69bb95ae5b58861f7642659daf72013d976ce05fed84d7bdbd0eb6',
    clientEphemeral: '9ab61dc97f4266a28bffbf849ecdc94c2625b5cf0f21ae3b130a3c9140bb7125',
    serverEphemeral: '03d1bea3d19d05d8c0bb6c13f26b8cf6801232c3f18fb5c3c8f8b5a5165c3ee8',
    serverStatic: null,
    serverPublic: null,
    payloads: ['6669727374207061796c6f6164', '746865207365636f6e642c206f6620616e6f74686572206c656e677468'],
    messages: [
      '61b1077fec90eecee89f4f53cc8bda9f59a49cc69847403d38d5c37249c58817a998c4ea69a35b93c281a63c10eec5a05477e5a496e98e6a91cd281716',
      'a0c918a766783a85334fa258ab979f5cc1d906bc1d135140db5883ca6aa3501f4129a9d0ac60099c67e4ae33ffb88c5f0904eff06bc98d32fc0e722809792d21ecee78ac03a129d6084ce48ccd',
    ],
    handshakeHash: '8a6bdfd48e3ef5985a5c1498e6e4fde7d5f6a4df39ab14bc412a1f15a7a1339f',
    toServer: [
      'efaa71a633d451bb16ebbbfea893951352fd65febfbfedd224d2a45e84d50b',
      '447f3dec8ca141d0b100e5481a059100b87a4eb20c1f31717c939b4f63c03b',
      '2008220dfb8a22e5a81c66d2df38a392b155036af10b2095eb5bfb71068529',
    ],
    toClient: [
      'e39c370752f0f920a45821d4e5a10ceca65b908f3f61934bacdeef320b8340',
      '2b1306a6ce127a01c8f87f22703aeade45bb4087ffdfb2e593cc5f8ce9bd44',
      '3a5cc361065a315abad7d8aff4e3f9df0f23149034178469681d8f7f733cb7',
    ],
  },
  {
    pattern: 'NK',
    prologue: 'aeddf337dd291eb52e486de5a6b463c8b682',
    psk: null,
    clientEphemeral: '3c991d5cb0cf72d79051548c8c129f3d423e9833eb37ffe4af79928d0f6ff02d',
    serverEphemeral: '55c64c5526b0436587f4008dfdeac54cd84643f882ed574c8bd32d05ef1a7011',
    serverStatic: '1852dddc1efe04a3028d8c92fe864eb510402fbf8c7206d3a7e2cb946e079d4b',
    serverPublic: '95ed72ea6e91bf97b7dd3df6b2812d47869b55fe9ed436b3d3feac1a1c10ab67',
    payloads: ['', ''],
    messages: [
      '9789b37ac878d3d508af4597733a1312874ae937248e05004a4e1c27b70d333ce12d7ba2c20f093d3f2b37f62ff57ff8',
      'dae731586a72cbc384340a0014441c41ce08230ac075515214d883a410df096ca8347b50178ba44a7c057373ae789ee8',
    ],
    handshakeHash: 'acb306922494bd7fae8852d68349d2705a10e40437f8b1670c8d5fab9574a377',
    toServer: [
      '462b58aa2a47c335cd411c69c6b948c50389414eda0cad77b6cbd38735b3d7',
      '17f21ca984989bd15b3012eca5b29f978ba2a6e78b06cbbd94c18063094a04',
      'efcb3ae778d9992fb614c8d33afbdf70c2f2a7c294a15f2d5b12f5c2e6fde3',
    ],
    toClient: [
      '1d333653db8ebdc2369f25937377696074fb123e1ca9f7bf54763fb72d0fc8',
      'cb65adb176bf6d6bc16dca7c6f43b36ccc91a14038ffdd34aebf11120c569e',
      '8b351d7cb9505c3d4e04d2d4a5091947e83fc15bcb002bfae0c7e88f770e09',
    ],
  },
  {
    pattern: 'NK',
    prologue: 'f867137e1ff0d83ae7168b88afb68d328b3742a2ecaeb2f8f09f1d24404610',
    psk: null,
    clientEphemeral: '271a48b3ac6863bc931a52d8b7b87422083fc97c1387bc9d3de7d44700ef2edf',
    serverEphemeral: '5f44206730bab5d5df8364fe82b555a3a7e424ccce043a88f24f45f82480e69e',
    serverStatic: 'cd390f4ef06f7c0ccdc87dd49a24072e00c705df07a35932657e9c6f34cf2180',
    serverPublic: '8fd910eaa9f12523e4c5b0673d534e04062f443c08035b9597d6f37214af413a',
    payloads: ['6669727374207061796c6f6164', '746865207365636f6e642c206f6620616e6f74686572206c656e677468'],
    messages: [
      '95dbb2ec981eafbc5360d0c13d1780976794391388e56a8d843eb50f485d0f09e65ed1cb619251cfd0fff1245ebe430b156826dd4190bad64738a1cf02',
      '61329da8e532468e68e14808d4f0b0f76ef50794a67ce0901c8d40d6c8975546c4005713ebae58a273ef22bd483fc8adc2e751690359729751545362e874b558ea2d98b5b06d94875918f07bff',
    ],
    handshakeHash: '9d66518b5493e174b133fa8628e5ecd19f15e1944548f55f4d423c76edf207c1',
    toServer: [
      'e648fbfccd5ffc177bb1756530b9e257ec967a06912a3a72abb40c9c33ca4d',
      'fab4ee72e7b5ccbfc3211b75ad6312afda4bcb2067427e4ca23a1f08758d6a',
      '66c5a5d863d100b99a757dfd8d621b038dd373f235d16e1a876f596773d016',
    ],
    toClient: [
      '2648d3abcfc09d85f8ad663c7b75f1f2262769397db43ab325fa116282cfd1',
      '8f6da703526ce3f951cc57029c94286bb983e790294e07706db00902443fc0',
      '6b8f194d2e6647d6ecc1da2ea4e053fa4d271f0d7c1e37a055ea55fd39da46',
    ],
  },
  {
    pattern: 'NKpsk0',
    prologue: 'a7f772aa294905fc6e61906f8a0ba4e77ddc',
    psk: '02a4f49a28b60eccacf28cceda31af8cfe29e854ebab5673b96031e66963eb23',
    clientEphemeral: 'ba0ff5623e613da43a504f659965851b33bb2761b4a62e6738650dcecbf40a53',
    serverEphemeral: 'd1d52d76d397785bace5e5580233df105044b3d2de2eb2fdb4c7c51d146cab64',
    serverStatic: '19e14223aacf352ca2c4cefecd1a91b8873feded59a69398c6d2fa81358e11b9',
    serverPublic: '47b0085924425b00354ff9f08a58fbe67247cfe9f2d438a21f6a9f04086bfb44',
    payloads: ['', ''],
    messages: [
      'efb8d4f37d5425a6f3cdd599d80d9882c0a5fae66435d24b02d496443a793c497dfccedb08509f5eb493bb0a9f43cb81',
      'f7f6563786b3b6383c44336470c05e1d803a3ec5b5de26924facb51b77657a0edaf0187d2b7a086efdff57c3baf882e2',
    ],
    handshakeHash: '92130c6d2433da9cc223003045376f18ec0846a8b2c536c2db185292c64f4a1b',
    toServer: [
      'db25c6fb99818b526b929f7cdfec1df2be96656d2baa99f42af5e010427002',
      '182c2acef71993506f3684965c17207e85bbebf5d421c93287c478ee20de3d',
      '23c4dd067cab61f0f69d878d2686f36414021bda81e908f6fddc65a64611a7',
    ],
    toClient: [
      '0a466cdd03fb4e4a99424c2809f53c6a0df1a22208f4f3f0debbcfc0471fae',
      'cc9128a5e5261271a19d7b8481638c16031abea155102d19dec079abe54ec0',
      '1e8ab8aa3b27b1e30305d5b6358839fbac67146685140d3c232490a8b71ebe',
    ],
  },
  {
    pattern: 'NKpsk0',
    prologue: 'e68639faf256e93cab9043c0d7c82822f6feaf3783bfaba55e27f047b8a7cd',
    psk: '7da9836def04797202a57812cef0b5f99c2fe3296105e54ad76ec0aae68de842',
    clientEphemeral: 'b3be86541c8c3b2a2f22c2b520ed7ab3ed6e2de22098a67cfe5091535ee2fb6b',
    serverEphemeral: '6e93a6bcf1068bf7ae7d1d8bf38be43d19bf6b3d087c177378b65fa0552425bc',
    serverStatic: '8f5180bec02e7a5523ac2c4a7618a7272d0025aa654e1c8a7ae4f6428d6cce9c',
    serverPublic: 'b1d59e7281891dc1a1509ca77056f5650d2ccb0bea6e5ed98456e2b566dfe155',
    payloads: ['6669727374207061796c6f6164', '746865207365636f6e642c206f6620616e6f74686572206c656e677468'],
    messages: [
      '52d78ca68d173d6d57cde74dc7fa4175dea92f9000b9dcf609c3042178868e142202dce184619092a2ae95e04e05809bbd00ee0f12119ac189c990bd95',
      '1c5c508a4bb25f08ec8a83f8e3781e1033474a1bbfc1451a0abf4a167c7dd80b289ab374aba44336b3959f45875d5476a35643cde72ddf7064fbf19e11175b8ccd12202ae1a83e2acdaecc050a',
    ],
    handshakeHash: 'def2c4adf688d950a8a52381eda188efd1a8c6b6f6738751e0843840787d2cfe',
    toServer: [
      '18abed6275eeaa2d2c47a0dfff789a70a6b349b18a26e1926103a0556022e0',
      'c4966df05d3e7486379561262911d8273a9320ae72e544b38d015b3c6ce061',
      '6cdec25e8479a7664b6eb01371f539b059b6e061b26cd92758635b84c185ba',
    ],
    toClient: [
      'dc8be7f86d0fe0e2948c235709b7275674e6e3909c615c42f56c5b6900a4d3',
      'f10d407564174534fbd9726da23e3962a7c53f1d536f5c68f049afb5ad4032',
      '3ba3722782d6a4bae1d494ba61c2f23187923530b22e3fcf32ab028e11fa5f',
    ],
  },
]
