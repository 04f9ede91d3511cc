<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace tests\OPNsense\Hearth\FieldTypes;

use OPNsense\Core\AppConfig;
use OPNsense\Core\Config;
use OPNsense\Hearth\Hearth;
use PHPUnit\Framework\TestCase;

class MenuItemFieldTest extends TestCase
{
    private const TALOS_OMNI = '10000000-0000-4000-8000-000000000001';
    private const DEBIAN = '20000000-0000-4000-8000-000000000002';

    private static function model(): Hearth
    {
        (new AppConfig())->update('application.configDir', dirname(__DIR__) . '/HearthConfig');
        Config::getInstance()->forceReload();
        return new Hearth();
    }

    private static function chosen(Hearth $model): array
    {
        return array_keys(array_filter($model->menu->items->getNodeData(), fn($item) => $item['selected']));
    }

    public function testProfilesImagesAndItsOwnItemsCanBeChosen()
    {
        $items = self::model()->menu->items->getNodeData();
        $this->assertSame('Profile talos-omni', $items[self::TALOS_OMNI]['value']);
        $this->assertSame('Image debian', $items[self::DEBIAN]['value']);
        foreach (['netboot.xyz', 'memtest', 'local', 'shell', 'reboot'] as $own) {
            $this->assertArrayHasKey($own, $items);
        }
        $this->assertCount(2 + 2 + 5, $items);
    }

    public function testItemsKeepTheirOrder()
    {
        $model = self::model();
        $this->assertSame(['reboot', self::TALOS_OMNI, 'local'], self::chosen($model));
        $model->menu->items->setValue('shell,' . self::DEBIAN . ',local,reboot');
        $this->assertSame(['shell', self::DEBIAN, 'local', 'reboot'], self::chosen($model));
        $this->assertCount(0, $model->performValidation());
    }

    public function testWhatIsGoneIsShownAsNotChosenAndRefused()
    {
        $model = self::model();
        $model->menu->items->setValue('local,99999999-0000-4000-8000-000000000009');
        $this->assertSame(['local'], self::chosen($model));
        $this->assertCount(1, $model->performValidation());
    }

    public function testAnItemFollowsANewName()
    {
        $model = self::model();
        $model->getNodeByReference('profiles.profile.' . self::TALOS_OMNI)->name->setValue('renamed');
        $model->serializeToConfig();
        $items = (new Hearth())->menu->items->getNodeData();
        $this->assertSame('Profile renamed', $items[self::TALOS_OMNI]['value']);
        $this->assertSame(1, $items[self::TALOS_OMNI]['selected']);
    }
}
