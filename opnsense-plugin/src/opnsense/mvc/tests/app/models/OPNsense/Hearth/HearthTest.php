<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace tests\OPNsense\Hearth;

use OPNsense\Base\FieldTypes\CertificateField;
use OPNsense\Base\FieldTypes\InterfaceField;
use OPNsense\Base\FieldTypes\UpdateOnlyTextField;
use OPNsense\Core\AppConfig;
use OPNsense\Core\Config;
use OPNsense\Hearth\FieldTypes\MenuItemField;
use OPNsense\Hearth\Hearth;
use PHPUnit\Framework\TestCase;

/**
 * Rules of the model, over one field and over several, each told at its field.
 */
class HearthTest extends TestCase
{
    private const TALOS_OMNI = '10000000-0000-4000-8000-000000000001';
    private const DEBIAN_AUTO = '10000000-0000-4000-8000-000000000002';
    private const TALOS = '20000000-0000-4000-8000-000000000001';
    private const ODEN = '30000000-0000-4000-8000-000000000001';
    private const NOBODY = '99999999-0000-4000-8000-000000000009';

    private static function model(string $folder = 'HearthConfig'): Hearth
    {
        (new AppConfig())->update('application.configDir', __DIR__ . '/' . $folder);
        Config::getInstance()->forceReload();
        return new Hearth();
    }

    /**
     * @return array what is said, by the field's place in the model
     */
    private static function said(Hearth $model, bool $all = false): array
    {
        $result = [];
        foreach ($model->performValidation($all) as $message) {
            $result[$message->getField()] = (string)$message->getMessage();
        }
        return $result;
    }

    /**
     * @return array what is said of a row that is added, by its fields
     */
    private static function saidOf(string $path, array $fields): array
    {
        $model = self::model();
        $row = $model->getNodeByReference($path)->Add();
        foreach ($fields as $name => $value) {
            $row->$name->setValue($value);
        }
        $result = [];
        foreach (self::said($model) as $field => $text) {
            $result[substr($field, strlen($row->__reference) + 1)] = $text;
        }
        return $result;
    }

    private static function profile(Hearth $model, string $uuid = self::TALOS_OMNI)
    {
        return $model->getNodeByReference('profiles.profile.' . $uuid);
    }

    public function testWhatIsDeclaredIsRight()
    {
        $this->assertSame([], self::said(self::model(), true));
        $this->assertSame([], self::said(self::model()));
    }

    public function testEachFieldHasTheTypeThatTheModelSays()
    {
        $model = self::model();
        $this->assertTrue($model->general->interfaces->isEqual('lan'));
        $this->assertFalse($model->general->enabled->isEmpty());
        $this->assertSame('always', $model->general->serve->getValue());
        $this->assertInstanceOf(InterfaceField::class, $model->general->interfaces);
        $this->assertInstanceOf(CertificateField::class, $model->api->certificate);
        $this->assertInstanceOf(MenuItemField::class, $model->menu->items);
        $this->assertInstanceOf(UpdateOnlyTextField::class, self::profile($model)->omni_token);
    }

    public function testASecretIsNoPartOfWhatFormsGet()
    {
        $model = self::model();
        $this->assertStringNotContainsString('w7uVuW3zbVKIYQuz', json_encode(self::profile($model)->getNodes()));
        self::profile($model)->omni_token->setValue('');
        $this->assertStringStartsWith('w7uVuW3zbVKIYQuz', self::profile($model)->omni_token->getValue());
    }

    /* settings */

    public static function settings(): array
    {
        return [
            'on, and nowhere' => ['general.interfaces', ['general.interfaces' => '']],
            'an interface that is not there' => ['general.interfaces', ['general.interfaces' => 'lan,opt7']],
            'no profile' => ['general.unknown_profile', ['general.unknown' => 'profile']],
            'a profile that is gone' => ['general.unknown_profile', ['general.unknown_profile' => self::NOBODY]],
            'a port' => ['general.http_port', ['general.http_port' => '65536']],
            'one port for both' => ['api.port', ['api.interfaces' => 'lan', 'api.port' => '8069']],
            'one port for both, as it is' => ['api.port', ['api.interfaces' => 'lan', 'general.http_port' => '8070']],
            'no archive' => ['loaders.archive', ['loaders.source' => 'archive']],
            'a time without a unit' => ['tftp.timeout', ['tftp.timeout' => '30']],
            'a line end after a time' => ['tftp.timeout', ['tftp.timeout' => "30s\n"]],
            'a size' => ['fetch.size_limit', ['fetch.size_limit' => 'much']],
            'a default that is no item' => ['menu.default', ['menu.default' => 'shell']],
            'an item that is gone' => ['menu.items', ['menu.items' => 'local,' . self::NOBODY]],
            'a variable of iPXE' => ['menu.title', ['menu.title' => 'boot ${net0/mac}']],
            'text that runs backwards' => ['menu.title', ['menu.title' => "boot \u{202e}toob"]],
        ];
    }

    /**
     * @dataProvider settings
     */
    public function testSettingsThatCannotBe(string $field, array $values)
    {
        $model = self::model();
        foreach ($values as $name => $value) {
            $model->getNodeByReference($name)->setValue($value);
        }
        $this->assertSame([$field], array_keys(self::said($model)));
    }

    public function testSettingsThatCanBe()
    {
        $model = self::model();
        $model->general->unknown->setValue('profile');
        $model->general->unknown_profile->setValue(self::DEBIAN_AUTO);
        $model->general->interfaces->setValue('lan,opt1');
        $model->api->interfaces->setValue('wan');
        $model->menu->default->setValue(self::TALOS_OMNI);
        $model->menu->title->setValue('Größe <b>"1"</b> 🔥');
        $model->tftp->timeout->setValue('500ms');
        $model->fetch->size_limit->setValue('1536 MiB');
        $this->assertSame([], self::said($model));
    }

    public function testAUrlIsShownWithoutNameAndPassword()
    {
        $model = self::model();
        $proxy = $model->fetch->proxy;
        $urls = ['http://joe:p%40ss@proxy.example:3128/', 'https://token@proxy.example', 'http://a:b@c@[::1]:1'];
        foreach ($urls as $url) {
            $proxy->setValue($url);
            $shown = $model->fetch->getNodes()['proxy'];
            $this->assertStringStartsWith(strstr($url, '://', true) . '://***@', $shown);
            $this->assertSame(substr(strrchr($url, '@'), 1), substr(strrchr($shown, '@'), 1));
            $this->assertArrayNotHasKey('%proxy', $model->fetch->getNodes());
            $proxy->setValue($shown);
            $this->assertSame($url, $proxy->getValue());
        }
        $proxy->setValue('http://***@other.example');
        $this->assertSame(['fetch.proxy'], array_keys(self::said($model)));
        $proxy->setValue('http://proxy.example/a@b');
        $this->assertSame('http://proxy.example/a@b', $model->fetch->getNodes()['proxy']);
        $this->assertSame([], self::said($model));
    }

    public function testWhatIsWrongElsewhereKeepsNothingFromBeingSaved()
    {
        $model = self::model();
        $row = $model->getNodeByReference('machines.machine.' . self::ODEN);
        $row->gateway->setValue('10.0.0.1');
        $this->assertArrayHasKey($row->gateway->__reference, self::said($model));
        /* as if somebody had written it into config.xml by hand */
        $model->serializeToConfig(false, true);
        $again = new Hearth();
        $again->menu->timeout->setValue('5s');
        $this->assertSame([], self::said($again));
        $this->assertArrayHasKey($row->gateway->__reference, self::said($again, true));
    }

    /* rows */

    public static function images(): array
    {
        $talos = ['name' => 'x', 'recipe' => 'talos', 'version' => 'v1.11.2'];
        return [
            'its name is taken' => ['name', ['name' => 'debian', 'recipe' => 'memtest']],
            'no name' => ['name', ['recipe' => 'memtest']],
            'two words' => ['name', ['name' => 'two words', 'recipe' => 'memtest']],
            'Talos without a version' => ['version', ['name' => 'x', 'recipe' => 'talos']],
            'a version without its v' => ['version', ['version' => '1.11.2'] + $talos],
            'Debian without a release' => ['version', ['name' => 'x', 'recipe' => 'debian']],
            'no kernel' => ['kernel', ['name' => 'x', 'recipe' => 'custom']],
            'an extension' => ['extensions', ['extensions' => 'siderolabs'] + $talos],
            'half an overlay' => ['overlay_name', ['overlay_image' => 'siderolabs/sbc-raspberrypi'] + $talos],
            'an option without a value' => ['overlay_options', ['overlay_options' => "a=1\nb"] + $talos],
            'a key that is too large' => ['meta', ['meta' => '256=x'] + $talos],
            'a factory' => ['factory', ['factory' => 'ftp://factory.example'] + $talos],
            'arguments with a letter of another alphabet' => [
                'extra_kernel_arguments', ['extra_kernel_arguments' => "console=ttyS0 caf\u{e9}"] + $talos
            ],
        ];
    }

    /**
     * @dataProvider images
     */
    public function testImagesThatCannotBe(string $field, array $fields)
    {
        $this->assertSame([$field], array_keys(self::saidOf('images.image', $fields)));
    }

    public function testImagesThatCanBe()
    {
        $this->assertSame([], self::saidOf('images.image', ['name' => 'talos-omni', 'recipe' => 'memtest']));
        $this->assertSame([], self::saidOf('images.image', [
            'name' => 'x', 'recipe' => 'talos', 'version' => 'v1.11.2-beta.0', 'meta' => "10=a=b\n\n255 = c",
            'overlay_image' => 'siderolabs/sbc-raspberrypi', 'overlay_name' => 'rpi_generic',
        ]));
    }

    public static function tokens(): array
    {
        return [
            ['a"b'], ["a'b"], ["a\nb"], ["a\n"], ['a b'], [str_repeat('x', 4096)],
            ["\u{1f600}"], ['<script>'], ['$(id)'],
        ];
    }

    /**
     * @dataProvider tokens
     */
    public function testATokenThatOmniCannotHaveMade(string $token)
    {
        $model = self::model();
        self::profile($model)->omni_token->setValue($token);
        $this->assertSame([self::profile($model)->omni_token->__reference], array_keys(self::said($model)));
    }

    public function testOmniIsForTalosAndHasItsAddress()
    {
        $model = self::model();
        $debian = self::profile($model, self::DEBIAN_AUTO);
        $debian->omni_api->setValue('https://example.omni.siderolabs.io');
        $this->assertStringContainsString('Talos', self::said($model)[$debian->omni_api->__reference]);

        $model = self::model();
        $debian = self::profile($model, self::DEBIAN_AUTO);
        $debian->omni_token->setValue('abc');
        $this->assertStringContainsString('address', self::said($model)[$debian->omni_api->__reference]);

        /* the one that was there goes with the address: that is for who saves it, and no mistake */
        $model = self::model();
        self::profile($model)->omni_api->setValue('');
        $this->assertSame([], self::said($model));
    }

    public function testAnswersNeedAnEndOfTheInstallation()
    {
        $fields = ['name' => 'preseed.cfg', 'text' => 'x'];
        $this->assertSame([], self::saidOf('answers.answer', ['profile' => self::DEBIAN_AUTO] + $fields));
        $said = self::saidOf('answers.answer', ['profile' => self::TALOS_OMNI] + $fields);
        $this->assertArrayHasKey('profile', $said);

        $model = self::model();
        $row = $model->answers->answer->Add();
        foreach (['profile' => self::DEBIAN_AUTO] + $fields as $name => $value) {
            $row->$name->setValue($value);
        }
        $debian = self::profile($model, self::DEBIAN_AUTO);
        $debian->installed->setValue('never');
        $this->assertArrayHasKey($debian->installed->__reference, self::said($model));
    }

    public function testAnAnswerHasALimit()
    {
        $fields = ['profile' => self::DEBIAN_AUTO, 'name' => 'preseed.cfg'];
        $this->assertSame([], self::saidOf('answers.answer', $fields + ['text' => str_repeat('x', 512 << 10)]));
        $said = self::saidOf('answers.answer', $fields + ['text' => str_repeat('x', (512 << 10) + 1)]);
        $this->assertSame(['text'], array_keys($said));
    }

    public static function variables(): array
    {
        $mine = ['profile' => self::DEBIAN_AUTO, 'name' => 'a'];
        return [
            'nobody\'s' => ['profile', ['name' => 'a', 'type' => 'string', 'value' => 'x']],
            'of both' => ['profile', ['machine' => self::ODEN, 'type' => 'string', 'value' => 'x'] + $mine],
            'half a number' => ['value', ['type' => 'integer', 'value' => '1.5'] + $mine],
            'a number and a line end' => ['value', ['type' => 'integer', 'value' => "1\n"] + $mine],
            'neither true nor false' => ['value', ['type' => 'boolean', 'value' => 'yes'] + $mine],
            'no secret' => ['secret', ['type' => 'secret', 'value' => 'in the wrong field'] + $mine],
            'too long' => ['value', ['type' => 'string', 'value' => str_repeat('x', (16 << 10) + 1)] + $mine],
        ];
    }

    /**
     * @dataProvider variables
     */
    public function testVariablesThatCannotBe(string $field, array $fields)
    {
        $this->assertSame([$field], array_keys(self::saidOf('variables.variable', $fields)));
    }

    public function testVariablesThatCanBe()
    {
        $values = ['integer' => '-5', 'boolean' => 'false', 'list' => "x\ny", 'string' => "a \"b\"\nc"];
        foreach ($values as $type => $value) {
            $fields = ['machine' => self::ODEN, 'name' => 'a', 'type' => $type, 'value' => $value];
            $this->assertSame([], self::saidOf('variables.variable', $fields), $type);
        }
    }

    public static function machines(): array
    {
        $mac = ['name' => 'thor', 'mac' => '52:54:00:00:00:01'];
        $address = ['address' => '192.168.1.5/24', 'gateway' => '192.168.1.1'] + $mac;
        return [
            'nothing to know it by' => ['mac', ['name' => 'thor']],
            'half a MAC address' => ['mac', ['mac' => '5c:f3'] + $mac],
            'nine cards' => ['mac', ['mac' => implode(',', array_map(
                fn($n) => sprintf('52:54:00:00:00:%02x', $n),
                range(1, 9)
            ))] + $mac],
            'another\'s card' => ['mac', ['mac' => '52:54:00:00:00:01,5C-F3-FC-01-02-03'] + $mac],
            'another\'s board' => ['smbios_uuid', ['smbios_uuid' => '4C4C4544-0042-3510-8056-B4C04F4A3332'] + $mac],
            'another\'s board, as it is told swapped' => [
                'smbios_uuid', ['smbios_uuid' => '44454c4c-4200-1035-8056-b4c04f4a3332'] + $mac
            ],
            'another\'s address' => ['address', ['address' => '192.168.1.171/25', 'gateway' => '192.168.1.129'] + $mac],
            'another\'s name' => ['name', ['name' => 'oden'] + $mac],
            'a gateway elsewhere' => ['gateway', ['gateway' => '10.0.0.1'] + $address],
            'no gateway' => ['gateway', ['gateway' => ''] + $address],
            'no mask' => ['address', ['address' => '192.168.1.5'] + $address],
            'a gateway alone' => ['address', ['address' => ''] + $address],
            'three name servers' => ['dns', ['dns' => '1.1.1.1,8.8.8.8,9.9.9.9'] + $address],
            'a profile that is gone' => ['profile', ['profile' => self::NOBODY] + $mac],
            'arguments over two alphabets' => ['arguments', ['arguments' => "caf\u{e9}"] + $mac],
            'a loader up the tree' => ['loader', ['loader' => '../x'] + $mac],
        ];
    }

    /**
     * @dataProvider machines
     */
    public function testMachinesThatCannotBe(string $field, array $fields)
    {
        $this->assertSame([$field], array_keys(self::saidOf('machines.machine', $fields)));
    }

    public function testWhoseAMacAddressIsIsSaid()
    {
        $said = self::saidOf('machines.machine', ['name' => 'thor', 'mac' => '5cf3.fc01.0203']);
        $this->assertStringContainsString('oden has the MAC address 5c:f3:fc:01:02:03', $said['mac']);
    }

    public function testAMachineThatCanBe()
    {
        $this->assertSame([], self::saidOf('machines.machine', [
            'name' => 'talos', 'mac' => '52:54:00:00:00:01,52:54:00:00:00:02', 'profile' => self::TALOS_OMNI,
            'address' => '10.20.0.5/31', 'gateway' => '10.20.0.4', 'dns' => '10.20.0.4',
            'loader' => 'arm64/snponly.efi',
            'description' => "<script>alert(1)</script> \u{1f600}",
        ]));
    }

    /* who refers to what */

    public function testWhoRefersToWhat()
    {
        $model = self::model();
        $this->assertSame(['profile talos-omni'], $model->usedBy(self::TALOS));
        $model->general->unknown_profile->setValue(self::TALOS_OMNI);
        $this->assertSame(
            ['machine oden', 'the menu', 'the settings, for unknown machines'],
            $model->usedBy(self::TALOS_OMNI)
        );
        $this->assertSame([], $model->usedBy(self::ODEN));
        $this->assertSame([], $model->usedBy(self::NOBODY));
    }

    /* from nothing */

    public function testAFirstInstallationOffersLanAndServesNothing()
    {
        $model = self::model('FirstConfig');
        $this->assertSame('0.0.0', $model->getVersion());
        $this->assertTrue($model->runMigrations());
        $this->assertSame('1.0.0', $model->getVersion());
        $this->assertSame('lan', $model->general->interfaces->getValue());
        $this->assertTrue($model->general->enabled->isEmpty());
        $this->assertSame([], self::said($model, true));
        $this->assertSame('lan', (string)Config::getInstance()->object()->OPNsense->hearth->general->interfaces);
        $this->assertFalse((new Hearth())->runMigrations(), 'once');
    }

    /**
     * The core keeps the interfaces that were there first for the whole process.
     * @runInSeparateProcess
     */
    public function testAFirstInstallationWithoutALanOffersNothing()
    {
        $model = self::model('OptConfig');
        $this->assertTrue($model->runMigrations());
        $this->assertSame('', $model->general->interfaces->getValue());
        $this->assertSame([], self::said($model, true));
    }

    public function testWhatIsThereIsNotMigratedAnew()
    {
        $model = self::model();
        $model->general->interfaces->setValue('opt1');
        $this->assertFalse($model->runMigrations());
        $this->assertSame('opt1', $model->general->interfaces->getValue());
    }
}
